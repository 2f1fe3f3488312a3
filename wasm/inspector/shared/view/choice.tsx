export interface Choosing {
  label: string;
  value: string;
  options: [value: string, text: string][];
  choose: (value: string) => void;
}

/** One of several, or all. */
export function Choice({ label, value, options, choose }: Choosing) {
  return (
    <label>
      <span>{label}</span>
      <select value={value} onChange={({ currentTarget }) => choose(currentTarget.value)}>
        <option value="">All</option>
        {/* What the address asks for is shown, also if there is none of it. */}
        {value !== "" && !options.some(([option]) => option === value) && <option value={value}>{value}</option>}
        {options.map(([option, text]) => (
          <option key={option} value={option}>
            {text}
          </option>
        ))}
      </select>
    </label>
  );
}
