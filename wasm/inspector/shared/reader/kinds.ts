/** What the page calls each type of event, and what of an event a row shows. */
import type { TurnledgerEvent } from "turnledger/inline";

import { KINDS } from "../../../ts/generated/kinds.js";

export type EventType = TurnledgerEvent["event_type"];

/** In the order of the schema, by what a session is made of. */
export const TYPE_LABELS = Object.fromEntries(
  Object.entries(KINDS).map(([type, { label }]) => [type, label]),
) as Readonly<Record<EventType, string>>;

export const TOOL_TYPES = [
  "codex_command_execution_event",
  "codex_file_change_event",
  "codex_mcp_tool_call_event",
  "codex_dynamic_tool_call_event",
  "codex_collab_agent_tool_call_event",
  "codex_web_search_event",
  "codex_image_generation_event",
  "codex_control_tool_call_event",
] as const satisfies EventType[];

export type ToolType = (typeof TOOL_TYPES)[number];

export function isToolType(type: string): type is ToolType {
  return (TOOL_TYPES as readonly string[]).includes(type);
}

/** Where an event comes from, if not from traffic or an app-server's facts. */
export function sourceOf(event: TurnledgerEvent): string | undefined {
  const { source } = event.event_params as { source?: string | null };
  return source ?? undefined;
}

/** An event in a table: what it is about, how that went, and how long it took. */
export interface Gist {
  subject: string;
  outcome: string | null;
  duration: number | null;
}

export function gist(event: TurnledgerEvent): Gist {
  switch (event.event_type) {
    case "codex_thread_initialized": {
      const { model, initialization_mode, subagent_source } = event.event_params;
      const subject = subagent_source === null ? (model ?? "") : `${model ?? ""}, for ${subagent_source}`;
      return { subject, outcome: initialization_mode, duration: null };
    }
    case "codex_turn_event": {
      const { model, status, duration_ms } = event.event_params;
      return { subject: model ?? "", outcome: status, duration: duration_ms };
    }
    case "codex_turn_steer_event": {
      const { result, rejection_reason } = event.event_params;
      return { subject: rejection_reason ?? "", outcome: result, duration: null };
    }
    case "codex_mcp_tool_call_event": {
      const { mcp_server_name, mcp_tool_name, terminal_status, duration_ms } = event.event_params;
      return { subject: `${mcp_server_name}/${mcp_tool_name}`, outcome: terminal_status, duration: duration_ms };
    }
    case "codex_command_execution_event":
    case "codex_file_change_event":
    case "codex_dynamic_tool_call_event":
    case "codex_collab_agent_tool_call_event":
    case "codex_web_search_event":
    case "codex_image_generation_event":
    case "codex_control_tool_call_event": {
      const { tool_name, terminal_status, duration_ms } = event.event_params;
      return { subject: tool_name, outcome: terminal_status, duration: duration_ms };
    }
    case "codex_review_event": {
      const { subject_name, reviewer, status, duration_ms } = event.event_params;
      return { subject: `${subject_name}, by ${reviewer}`, outcome: status, duration: duration_ms };
    }
    case "codex_guardian_review": {
      const { reviewed_action, terminal_status, completion_latency_ms } = event.event_params;
      return { subject: reviewed_action.type, outcome: terminal_status, duration: completion_latency_ms };
    }
    case "codex_compaction_event": {
      const { trigger, reason, status, duration_ms } = event.event_params;
      return { subject: `${trigger}, ${reason}`, outcome: status, duration: duration_ms };
    }
    case "codex_accepted_line_fingerprints": {
      const { accepted_added_lines, accepted_deleted_lines } = event.event_params;
      return { subject: `+${accepted_added_lines} −${accepted_deleted_lines}`, outcome: null, duration: null };
    }
    case "codex_hook_run": {
      const { hook_name, status } = event.event_params;
      return { subject: hook_name ?? "", outcome: status, duration: null };
    }
    case "codex_goal_event": {
      const { event_kind, goal_status } = event.event_params;
      return { subject: event_kind, outcome: goal_status, duration: null };
    }
    case "codex_thread_archive_event":
      return { subject: event.event_params.action, outcome: null, duration: null };
    case "codex_thread_hint_status":
      return { subject: "", outcome: event.event_params.status, duration: null };
    case "codex_plugin_install_requested": {
      const names = event.event_params.plugins.map((plugin) => plugin.plugin_name);
      return { subject: names.join(", "), outcome: null, duration: null };
    }
    case "codex_plugin_install_failed": {
      const { plugin_name, error_type } = event.event_params;
      return { subject: plugin_name ?? "", outcome: error_type, duration: null };
    }
    case "codex_plugin_measurement_event": {
      const { measurement_name, number_value } = event.event_params;
      return { subject: measurement_name, outcome: String(number_value), duration: null };
    }
    case "codex_artifact_operation": {
      const { artifact_type, lifecycle } = event.event_params;
      return { subject: artifact_type, outcome: lifecycle, duration: null };
    }
    case "codex_guardian_v2_classification": {
      const { guardian_context_mode, outcome, duration_ms } = event.event_params;
      return { subject: guardian_context_mode, outcome, duration: duration_ms };
    }
    case "codex_guardian_v2_fast_decision":
      return { subject: "", outcome: event.event_params.decision, duration: null };
    case "codex_onboarding_external_agent_import_complete": {
      const { type, success_count, failed_count } = event.event_params;
      return { subject: type ?? "", outcome: `${success_count} of ${success_count + failed_count}`, duration: null };
    }
    case "codex_onboarding_external_agent_import_failure": {
      const { type, error_type } = event.event_params;
      return { subject: type ?? "", outcome: error_type, duration: null };
    }
    case "skill_invocation":
      return { subject: event.skill_name, outcome: event.event_params.invoke_type, duration: null };
    case "codex_app_mentioned":
    case "codex_app_used":
      return { subject: event.event_params.app_name ?? "", outcome: event.event_params.invoke_type, duration: null };
    case "codex_plugin_used":
    case "codex_plugin_installed":
    case "codex_plugin_uninstalled":
    case "codex_plugin_enabled":
    case "codex_plugin_disabled":
      return { subject: event.event_params.plugin_name ?? "", outcome: null, duration: null };
  }
}

/** The ids of what an event is about. */
export interface EventIds {
  thread?: string;
  turn?: string;
  item?: string;
  review?: string;
}

export function idsOf(event: TurnledgerEvent): EventIds {
  const params = event.event_params as unknown as Record<string, unknown>;
  const members: Readonly<Record<string, string>> = KINDS[event.event_type].ids;
  const ids: EventIds = {};
  for (const name of ["thread", "turn", "item", "review"] as const) {
    const value = params[members[`${name}_id`] ?? ""];
    if (typeof value === "string") ids[name] = value;
  }
  return ids;
}
