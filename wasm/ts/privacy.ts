/** Whether the user has said no: in the browser, or in the environment of a process. */
export function userSaysNo(): boolean {
  const { process } = globalThis as {
    process?: { env?: Record<string, string | undefined>; versions?: { node?: string } };
  };
  const isSet = (value: string | undefined): boolean => value !== undefined && value !== "" && value !== "0";
  if (isSet(process?.env?.["DO_NOT_TRACK"]) || isSet(process?.env?.["TURNLEDGER_DISABLED"])) return true;
  // A process has no such settings, and some editors complain of an extension that asks for a navigator there.
  const hasNavigator = process?.versions?.node === undefined || "document" in globalThis;
  return hasNavigator && navigatorSaysNo();
}

function navigatorSaysNo(): boolean {
  const { navigator } = globalThis as {
    navigator?: { globalPrivacyControl?: boolean; doNotTrack?: string | null };
  };
  return navigator?.globalPrivacyControl === true || navigator?.doNotTrack === "1";
}
