import { go, linkTo, type Place } from "../page/place.js";

interface Leading {
  to: Partial<Place>;
  class?: string;
  title?: string | undefined;
  children: preact.ComponentChildren;
}

/** Leads somewhere else within the page, as any link does. */
export function Link({ to, children, ...rest }: Leading) {
  return (
    <a
      {...rest}
      href={linkTo(to)}
      onClick={(click) => {
        if (click.metaKey || click.ctrlKey || click.shiftKey) return;
        click.preventDefault();
        click.stopPropagation();
        go(to);
      }}
    >
      {children}
    </a>
  );
}
