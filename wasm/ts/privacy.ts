/** Whether the user has said no: in the browser, or in the environment of a process. */
export function userSaysNo(): boolean {
  const { navigator, process } = globalThis as {
    navigator?: { globalPrivacyControl?: boolean; doNotTrack?: string | null };
    process?: { env?: Record<string, string | undefined> };
  };
  if (navigator?.globalPrivacyControl === true || navigator?.doNotTrack === "1") return true;
  const isSet = (value: string | undefined): boolean => value !== undefined && value !== "" && value !== "0";
  return isSet(process?.env?.["DO_NOT_TRACK"]) || isSet(process?.env?.["TURNLEDGER_DISABLED"]);
}
