//! What each member of an event is, where it comes from and what it can reveal.
//!
//! The source of `docs/privacy.md` and of `x-privacy` in the schema of events. A member's name means the same in every
//! event, so that one row is enough for it. A member without a row fails the test that writes the page.

/// What a member is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Class {
    /// A text that a user, a client or a company chose as a name.
    Name,
    /// The address of a repository.
    Url,
    /// A text that tells one thing from others.
    Id,
    /// A digest of a text that is not sent.
    Hash,
    /// What a program or a machine says it is.
    Version,
    /// One of the words that the schema lists.
    Enum,
    /// True or false.
    Flag,
    /// A point in time or a duration.
    Time,
    /// Any other number.
    Count,
}

impl Class {
    /// Every class, those that can say most first.
    pub const ALL: [Self; 9] =
        [Self::Name, Self::Url, Self::Id, Self::Hash, Self::Version, Self::Enum, Self::Flag, Self::Time, Self::Count];

    /// The class's word in the schema (`x-privacy`).
    pub fn word(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Url => "url",
            Self::Id => "id",
            Self::Hash => "hash",
            Self::Version => "version",
            Self::Enum => "enum",
            Self::Flag => "flag",
            Self::Time => "time",
            Self::Count => "count",
        }
    }

    /// Whether a text of a message can come out in a member of this class.
    pub fn carries_text(self) -> bool {
        matches!(self, Self::Name | Self::Url | Self::Id | Self::Version)
    }
}

/// A member of an event, or of an object within one.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Member {
    /// The member's name.
    pub name: &'static str,
    /// What it is.
    pub class: Class,
    /// Where it comes from.
    pub from: &'static str,
    /// What it can reveal.
    pub reveals: &'static str,
    /// How to leave it out, where there is a way beside those that serve its whole class.
    pub leave_out: Option<&'static str>,
}

/// The member of this name.
pub fn member(name: &str) -> Option<&'static Member> {
    MEMBERS.iter().find(|member| member.name == name)
}

macro_rules! members {
    ($($class:ident { $($name:ident: $from:literal, $reveals:literal $(, $leave_out:literal)?;)+ })+) => {
        /// Every member of every event.
        pub const MEMBERS: &[Member] = &[$($(
            Member {
                name: name_of(stringify!($name)),
                class: Class::$class,
                from: $from,
                reveals: $reveals,
                leave_out: members!(@way $($leave_out)?),
            },
        )+)+];
    };
    (@way) => { None };
    (@way $way:literal) => { Some($way) };
}

/// A member's name without the `r#` that Rust asks of some.
const fn name_of(written: &'static str) -> &'static str {
    match written.as_bytes() {
        [b'r', b'#', ..] => written.split_at(2).1,
        _ => written,
    }
}

members! {
    Name {
        client_name: "`clientInfo.name` of `initialize`", "which client is used",
            "Send another name in `initialize`.";
        product_client_id: "`clientInfo.name`, or the originator before the `/` of the server's user agent",
            "which client is used", "Send another name in `initialize`.";
        model: "the thread's or turn's settings", "the model's slug, also one of a company's own";
        model_slug: "the turn's settings", "the model's slug, also one of a company's own";
        requested_model: "the collaboration call", "the model's slug, also one of a company's own";
        guardian_model: "a host's own fact; null from traffic", "the reviewer's model";
        model_provider: "the thread's response and settings", "the provider's id in the user's configuration";
        thread_source: "`threadSource`, which newer servers take from their client: one word, or null",
            "the client's word for what started the thread", "Leave `threadSource` out of `thread/start`.";
        subagent_source: "the kind of `source.subAgent`; a label of its own where that is a single word, else `other`",
            "what kind of agent the server started";
        tool_name: "the kind of the item; the tool's own name for MCP and dynamic tools", "which tools are used";
        mcp_server_name: "`server` of the item", "which MCP servers are used, also a company's own";
        mcp_tool_name: "`tool` of the item", "which MCP tools are used, also a company's own";
        dynamic_tool_name: "`tool` of the item", "which tools the client offers";
        subject_name: "the kind of what is reviewed; the tool's own name for an MCP call", "which tools are used";
        server: "`server` of the reviewed call", "which MCP servers are used, also a company's own";
        tool_title: "`toolTitle` of the reviewed call", "how the MCP server calls its tool";
        connector_name: "`connectorName` of the reviewed call", "which app is used";
        program: "the last part of `program` of a reviewed part of a command; `unknown` if that is more than a name",
            "the file name of a program that a command runs; neither its folder nor its arguments";
        app_name: "`app/list`, or the review of the app's call", "which app is used";
        skill_name: "the skill that a turn's input names, or `skills/list`", "which skills are used, also a user's own";
        plugin_name: "a plugin's id before its `@`", "which plugins are used, also a company's own";
        marketplace_name: "a plugin's id after its `@`", "which marketplaces are used, also a company's own";
        fingerprint_scheme: "the host's digest: algorithm, and the id of its key", "whether and with which key lines are hashed";
        guardian_default_review_model_id: "a host's own fact; null from traffic", "the reviewer's model";
        guardian_review_model_override: "a host's own fact; null from traffic", "the reviewer's model, also one of a company's own";
        guardian_model_provider_id: "the thread's settings", "the provider's id in the user's configuration";
        mcp_server_names: "`mcpServers` of `plugin/read`", "which MCP servers a plugin brings";
        workspace_kind: "`responsesapiClientMetadata` of `turn/start`: one word, or null", "the client's word for where the user works";
        turn_trigger: "`turnTrigger` of `turn/start`: one word; or `goal` or `queue`", "what began the turn";
        codex_turn_source: "a host's own fact; null from traffic", "where the turn was asked for";
        guardian_context_mode: "a host's own fact; null from traffic", "what the reviewer was shown";
        message_role: "a host's own fact", "who sent the image";
        effective_detail: "a host's own fact", "how the model sees the image";
        source: "the reviewed action; or `source` of the import or the installation: one word",
            "which shell tool it was; where something was asked for";
        provider_id: "`providerId` of the import: one word", "which agent was used before";
        failure_stage: "a host's own fact", "why an import failed";
        error_type: "a host's own fact; from traffic only for known texts of `plugin/install`", "why it failed";
        sub_error_type: "a host's own fact; null from traffic", "why it failed";
        originator: "a host's own fact", "which client is used";
        operation: "a host's own fact: one word", "what a plugin did";
        measurement_name: "a host's own fact: one word", "what a plugin measures";
        dimensions: "a host's own fact: at most eight pairs of words", "what a plugin measures";
        skill: "a host's own fact", "which skills are used";
        artifact_type: "a host's own fact", "what is made";
        operation_kind: "a host's own fact", "what is made";
        output_format: "a host's own fact", "what is made";
        execution_backend: "a host's own fact", "how it is made";
    }
    Url {
        repo_url: "the host's answer where a skill lies: `origin` of its repository, without user, password, query and fragment",
            "the repository's host, owner and name", "Give no `answers` in Rust, no `onQuestion` in JavaScript.";
    }
    Id {
        thread_id: "the thread's id", "which events belong together; a UUIDv7 says when the thread began";
        turn_id: "the turn's id", "which events belong together; a UUIDv7 says when the turn began";
        item_id: "the item's id, which the model's provider or the server made", "which events belong together";
        review_id: "`reviewId` of an automatic review, or `user:` and the id of the server's request", "which events belong together";
        target_item_id: "`targetItemId` of an automatic review", "which events belong together";
        expected_turn_id: "`expectedTurnId` of `turn/steer`", "which events belong together";
        accepted_turn_id: "the response of `turn/steer`", "which events belong together";
        parent_thread_id: "`source.subAgent` of the thread, or the call that spawned it", "which threads belong together";
        sender_thread_id: "`senderThreadId` of the collaboration call", "which threads belong together";
        receiver_thread_ids: "`receiverThreadIds` of the collaboration call", "which threads belong together";
        guardian_thread_id: "a host's own fact; null from traffic", "which threads belong together";
        connector_id: "the `app://` mention in a turn's input, `app/list`, or the review of the app's call", "which app is used";
        connector_ids: "`apps` of `plugin/read`", "which apps a plugin brings";
        plugin_id: "`plugin/read` and `plugin/list`, or the plugin's name and marketplace", "which plugin is used, also a company's own";
        session_id: "`sessionId` of the thread", "which threads belong together";
        root_turn_id: "`rootTurnId` of the turn", "which turns belong together";
        forked_from_thread_id: "`forkedFromId` of the thread", "which threads belong together";
        remote_plugin_id: "`plugin/read` and `plugin/list`", "which plugin is used";
        active_plugin_ids_at_turn_start: "`plugin/read` and `plugin/list`", "which plugins are on, also a company's own";
        voice_session_id: "a host's own fact; null from traffic", "which events belong together";
        cell_id: "a host's own fact; null from traffic", "which calls belong together";
        parent_call_id: "a host's own fact; null from traffic", "which calls belong together";
        originating_response_id: "a host's own fact; null from traffic", "which calls belong together";
        subsequent_response_id: "a host's own fact; null from traffic", "which calls belong together";
        imagegen_request_id: "a host's own fact; null from traffic", "which request made the image";
        generation_id: "`generationId` of the item", "which generation made the image";
        goal_id: "the thread's id and the goal's `createdAt`, or a host's own fact", "which events belong together";
        import_id: "the response of `externalAgentConfig/import`", "which events belong together";
        suggestion_id: "a host's own fact", "which events belong together";
        execution_id: "a host's own fact", "which events belong together";
    }
    Hash {
        path_hash: "a path of the turn's latest diff", "the path, to whoever can guess it",
            "Hash with a key (`key_file`, `key`): then only its holder can compare.";
        line_hash: "an added line of the turn's latest diff, normalised", "the line, to whoever can guess it",
            "Hash with a key (`key_file`, `key`): then only its holder can compare.";
        repo_hash: "the host's answer: the canonical form of the remote at the working directory",
            "the repository, to whoever can guess its address",
            "Give no `answers` in Rust, no `onQuestion` in JavaScript; or a key.";
        skill_id: "the host's answer where a skill lies, with the skill's name; SHA-1 without a key, as the contract has it",
            "the skill's place, to whoever can guess it", "Give no `answers` in Rust, no `onQuestion` in JavaScript.";
    }
    Version {
        client_version: "`clientInfo.version` of `initialize`", "the client's version", "Send another version in `initialize`.";
        codex_rs_version: "the server's user agent; `unknown` where that has no such word", "the server's version";
        runtime_os: "`platformOs` of the response of `initialize`", "the operating system";
        runtime_os_version: "the server's user agent; `unknown` where that has no such word", "the operating system's version";
        runtime_arch: "the server's user agent; `unknown` where that has no such word", "the processor's kind";
    }
    Enum {
        event_type: "the kind of event", "what happened";
        rpc_transport: "the host", "how the client reaches the server";
        initialization_mode: "the request that opened the thread", "whether the thread is new";
        submission_type: "a host's own fact; null from traffic", "whether the turn had to wait";
        sandbox_policy: "the thread's and turn's settings", "what commands may do";
        reasoning_effort: "the thread's and turn's settings; null if not known", "how the model is set";
        requested_reasoning_effort: "the collaboration call; null if not known", "how the model is set";
        guardian_reasoning_effort: "a host's own fact; null from traffic", "how the reviewer is set";
        reasoning_summary: "the turn's settings; null if not known", "how the model is set";
        service_tier: "the thread's and turn's settings", "which tier is paid for";
        approval_policy: "the thread's and turn's settings; null if not known", "when the agent must ask";
        approvals_reviewer: "the thread's and turn's settings", "who is asked";
        collaboration_mode: "the turn's settings", "how the model is set";
        personality: "the turn's settings; null if not known", "how the model is set";
        status: "how the turn, review, compaction or hook ended", "how it ended";
        turn_error: "`codexErrorInfo` of the turn: one of the protocol's kinds, with an HTTP status where it has one; null if not known",
            "why the turn failed";
        turnKind: "the error of a refused steer", "what was running";
        result: "the answer to `turn/steer`", "whether the input was taken";
        rejection_reason: "the error of `turn/steer`", "why it was not";
        final_approval_outcome: "the item's reviews", "what was decided";
        terminal_status: "the item's or review's status", "how it ended";
        failure_kind: "the item's status", "why it failed";
        command_execution_source: "`source` of the item", "who ran the command";
        web_search_action: "the item's action", "what kind of search it was";
        subject_kind: "the request for approval", "what was reviewed";
        reviewer: "the request for approval", "who decided";
        trigger: "the request for approval, or the compaction's place", "why it was needed";
        resolution: "the answer", "how far the decision goes";
        approval_request_source: "a constant, or a host's own fact", "which thread asked";
        r#type: "the reviewed action, or the kind of what was imported; null if not known", "what it was";
        sandbox_permissions: "a host's own fact; `use_default` from traffic", "what a command asked for";
        protocol: "the reviewed action", "which network protocol it was";
        read: "`[path]` for each path of a host's own fact", "how many paths";
        write: "`[path]` for each path of a host's own fact", "how many paths";
        entries: "`[path]` for each path of a host's own fact", "how many paths";
        decision: "the review's status", "what was decided";
        failure_reason: "the review's status", "why the review failed";
        risk_level: "the reviewer's verdict; null if not known", "the reviewer's estimate";
        user_authorization: "the reviewer's verdict; null if not known", "the reviewer's estimate";
        outcome: "the review's status", "what was decided";
        guardian_session_kind: "a host's own fact; null from traffic", "how the reviewer ran";
        reason: "what preceded the compaction", "why it was made";
        implementation: "the server's version and the way of signing in", "how it was made";
        phase: "the compaction's place in its turn", "when it was made";
        strategy: "a constant, or a host's own fact", "how it was made";
        error: "the error's message where it is one of the server's known sentences, with its numbers; else the word for its kind; else null",
            "why the compaction failed; no other text passes";
        product_surface: "a constant", "nothing";
        skill_scope: "`skills/list`, or where the skill lies; null if not known", "who set the skill up";
        invoke_type: "how the skill or app was asked for", "who asked for it";
        hook_name: "`eventName` of the hook's run: when it runs, not how its owner calls it", "which kinds of hooks run";
        hook_source: "`source` of the hook's run", "who configured it";
        sandbox_backend: "the turn's settings and the command's approval", "what confined the command";
        tool_event_type: "the kind and the id of the item", "whether the model or code made the call";
        elicitation_type: "the answer to `mcpServer/elicitation/request`, or a host's own fact", "what the user was asked";
        handler_type: "`handlerType` of the hook's run; null if not known", "what kind of hooks run";
        execution_mode: "`executionMode` of the hook's run; null if not known", "whether the server waits for the hook";
        critical_path_status: "a host's own fact; null from traffic", "whether the server measured";
        multi_agent_version: "the kinds of the thread's items", "how agents work together";
        codex_error_kind: "`codexErrorInfo` of the turn or the compaction; null if not known", "why it failed";
        script_path: "nothing: always null", "nothing";
        event_kind: "`thread/goal/updated` and `thread/goal/cleared`", "what happened to a goal";
        goal_status: "`status` of the goal; null if not known", "where a goal stands";
        action: "`thread/archived` and `thread/unarchived`", "what was done with a thread";
        lifecycle: "a host's own fact", "how far it came";
    }
    Flag {
        experimental_api_enabled: "`capabilities` of `initialize`", "what the client takes part in";
        ephemeral: "the thread's response", "whether the thread is stored";
        sandbox_network_access: "the turn's settings", "whether commands reach the network";
        is_first_turn: "the thread's history", "whether it is the session's first turn";
        requested_additional_permissions: "the item's requests for approval", "whether it asked for more";
        requested_network_access: "the item's requests for approval", "whether it asked for the network";
        mcp_error_present: "whether the item has an error", "whether it failed";
        success: "`success` of the item, or how it ended", "whether it succeeded";
        query_present: "whether the query is more than white space", "whether there was a query";
        revised_prompt_present: "whether the item has one", "whether the prompt was revised";
        saved_path_present: "whether the item has one", "whether the image was saved";
        reviewed_action_truncated: "a constant, or a host's own fact", "whether the reviewer saw all of it";
        tty: "a host's own fact; false from traffic", "whether the command had a terminal";
        enabled: "a host's own fact", "whether the network was asked for";
        had_prior_review_context: "a host's own fact; null from traffic", "how the reviewer ran";
        has_skills: "`plugin/read`", "what a plugin brings";
        is_worktree: "Git, or a host's own fact", "how the user works with Git";
        guardian_v2_enabled: "a host's own fact; null from traffic", "how the reviewer is set";
        guardian_catalog_contains_auto_review: "a host's own fact; null from traffic", "how the reviewer is set";
        guardian_review_model_overridden: "a host's own fact; null from traffic", "how the reviewer is set";
        used_dictation: "`responsesapiClientMetadata` of `turn/start`", "whether the input was dictated";
        has_token_budget: "`tokenBudget` of the goal", "whether a goal is limited";
        transparent_background: "`transparentBackground` of the item", "how the image looks";
    }
    Time {
        created_at: "the thread's time of creation, or the host's clock at a steer; Unix seconds", "when it was";
        started_at: "the turn, review or compaction; Unix seconds", "when it began";
        completed_at: "the turn, review or compaction, or the host's clock; Unix seconds", "when it ended";
        started_at_ms: "the item or request; Unix milliseconds", "when it began";
        completed_at_ms: "the item, or the host's clock at an answer; Unix milliseconds", "when it ended";
        duration_ms: "the end less the beginning", "how long it took";
        execution_duration_ms: "`durationMs` of the item", "how long it ran";
        occurred_at_ms: "`emittedAtMs` of the notification, or a host's own fact; Unix milliseconds", "when it was";
        cumulative_time_accounted_seconds: "`timeUsedSeconds` of the goal; seconds", "how long it took";
        review_timeout_ms: "a constant, or a host's own fact", "how long a review may take";
        time_to_first_token_ms: "a host's own fact; null from traffic", "how fast the reviewer answered";
        completion_latency_ms: "the review's end less its beginning", "how long it took";
        explicit_client_interrupt_requested_at_ms: "the host's clock at `turn/interrupt`; Unix milliseconds", "when it was";
        critical_path_duration_ms: "a host's own fact; null from traffic", "where the time went";
        critical_path_inference_ms: "a host's own fact; null from traffic", "where the time went";
        critical_path_sampling_ms: "a host's own fact; null from traffic", "where the time went";
        critical_path_compaction_ms: "a host's own fact; null from traffic", "where the time went";
        critical_path_auto_review_ms: "a host's own fact; null from traffic", "where the time went";
        critical_path_auto_review_overhead_ms: "a host's own fact; null from traffic", "where the time went";
        critical_path_user_wait_ms: "a host's own fact; null from traffic", "where the time went";
        critical_path_tools_ms: "a host's own fact; null from traffic", "where the time went";
        critical_path_overhead_ms: "a host's own fact; null from traffic", "where the time went";
        critical_path_unknown_ms: "a host's own fact; null from traffic", "where the time went";
        before_first_sampling_ms: "a host's own fact; null from traffic", "where the time went";
        sampling_ms: "a host's own fact; null from traffic", "where the time went";
        between_sampling_overhead_ms: "a host's own fact; null from traffic", "where the time went";
        after_last_sampling_ms: "a host's own fact; null from traffic", "where the time went";
        compaction_ms: "the times of the turn's items", "where the time went";
        tool_blocking_ms: "the times of the turn's items", "where the time went";
        usage_limit_window_minutes: "a host's own fact; null from traffic", "which limit was reached";
    }
    Count {
        httpStatusCode: "`codexErrorInfo` of the turn", "the status that a provider or proxy answered";
        num_input_images: "the pieces of the turn's or steer's input", "how many images were sent";
        steer_count: "accepted steers of the turn", "how often";
        total_tool_call_count: "completed items of the turn", "how many";
        shell_command_count: "completed items of the turn", "how many";
        file_change_count: "completed items of the turn, or files of the patch", "how many";
        mcp_tool_call_count: "completed items of the turn", "how many";
        dynamic_tool_call_count: "completed items of the turn", "how many";
        subagent_tool_call_count: "completed items of the turn", "how many";
        web_search_count: "completed items of the turn", "how many";
        image_generation_count: "completed items of the turn", "how many";
        input_tokens: "the thread's token usage", "how many";
        cached_input_tokens: "the thread's token usage", "how many";
        output_tokens: "the thread's token usage", "how many";
        reasoning_output_tokens: "the thread's token usage", "how many";
        total_tokens: "the thread's token usage", "how many";
        review_count: "the item's reviews", "how many";
        guardian_review_count: "the item's reviews", "how many";
        user_review_count: "the item's reviews", "how many";
        exit_code: "`exitCode` of the item", "how the command ended";
        command_total_action_count: "the command's parts", "how many";
        command_read_action_count: "the command's parts", "how many read a file";
        command_list_files_action_count: "the command's parts", "how many list files";
        command_search_action_count: "the command's parts", "how many search";
        command_unknown_action_count: "the command's parts", "how many do something else";
        file_add_count: "the patch's files", "how many";
        file_update_count: "the patch's files", "how many";
        file_delete_count: "the patch's files", "how many";
        file_move_count: "the patch's files", "how many";
        output_content_item_count: "the pieces of the tool's output", "how many";
        output_text_item_count: "the pieces of the tool's output", "how many";
        output_image_item_count: "the pieces of the tool's output", "how many";
        receiver_thread_count: "the collaboration call", "how many";
        agent_state_count: "the collaboration call", "how many";
        completed_agent_count: "the collaboration call", "how many";
        failed_agent_count: "the collaboration call", "how many";
        query_count: "the search's queries", "how many";
        port: "the reviewed action", "the network port";
        glob_scan_max_depth: "a host's own fact", "how deep patterns look";
        tool_call_count: "a host's own fact; null from traffic", "how many";
        active_context_tokens_before: "the thread's token usage", "how many";
        active_context_tokens_after: "the thread's token usage", "how many";
        accepted_added_lines: "the turn's latest diff", "how many";
        accepted_deleted_lines: "the turn's latest diff", "how many";
        mcp_server_count: "`plugin/read`", "how many";
        codex_error_http_status_code: "`codexErrorInfo` of the turn", "the status that a provider or proxy answered";
        cache_write_input_tokens: "the thread's token usage", "how many";
        output_audio_item_count: "the pieces of the tool's output", "how many";
        sampling_request_count: "the thread's token usage", "how many";
        sampling_retry_count: "`error` with `willRetry`", "how many";
        tools_change_count: "a host's own fact; null from traffic", "how many";
        retained_image_count: "a host's own fact; null from traffic", "how many";
        compaction_summary_tokens: "a host's own fact; null from traffic", "how many";
        attempt_count: "a host's own fact; null from traffic", "how many";
        cumulative_tokens_accounted: "`tokensUsed` of the goal", "how many";
        success_count: "`successes` of the import", "how many";
        failed_count: "`failures` of the import", "how many";
        expected_output_count: "a host's own fact", "how many";
        number_value: "a host's own fact", "what a plugin measured";
        source_width: "a host's own fact", "how large the image is";
        source_height: "a host's own fact", "how large the image is";
        prepared_width: "a host's own fact", "how large the image is";
        prepared_height: "a host's own fact", "how large the image is";
    }
}

#[cfg(test)]
mod tests {
    use super::{Class, MEMBERS, member};

    #[test]
    fn every_member_has_one_row_and_every_class_some() {
        for row in MEMBERS {
            assert_eq!(MEMBERS.iter().filter(|other| other.name == row.name).count(), 1, "{}", row.name);
        }
        for class in Class::ALL {
            assert!(MEMBERS.iter().any(|member| member.class == class), "{class:?}");
        }
        assert_eq!(member("type").map(|member| member.class), Some(Class::Enum));
        assert!(member("prompt").is_none());
    }
}
