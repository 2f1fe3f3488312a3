import { setTheme, theme, type Theme } from "../page/theme.js";

export function ThemeChoice() {
  return (
    <label class="theme">
      <span>Theme</span>
      <select value={theme.value} onChange={({ currentTarget }) => setTheme(currentTarget.value as Theme)}>
        <option value="auto">Auto</option>
        <option value="light">Light</option>
        <option value="dark">Dark</option>
      </select>
    </label>
  );
}
