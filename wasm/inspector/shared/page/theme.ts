/** Light or dark: as the system has it, or as the user says. */
import { effect, signal } from "@preact/signals";

export type Theme = "auto" | "light" | "dark";

const KEY = "turnledger-theme";
const system = matchMedia("(prefers-color-scheme: dark)");

function stored(): Theme {
  try {
    const value = localStorage.getItem(KEY);
    return value === "light" || value === "dark" ? value : "auto";
  } catch {
    return "auto";
  }
}

export const theme = signal<Theme>(stored());
/** Changes whenever colours do: charts have to be drawn anew. */
export const isDark = signal(false);

function apply(): void {
  document.documentElement.dataset["theme"] = theme.value;
  isDark.value = theme.value === "dark" || (theme.value === "auto" && system.matches);
}

system.addEventListener("change", apply);
effect(apply);

export function setTheme(value: Theme): void {
  theme.value = value;
  try {
    if (value === "auto") localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, value);
  } catch {
    // It counts until the page is closed.
  }
}
