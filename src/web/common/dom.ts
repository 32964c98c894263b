/** The little of a framework that one page needs. */

/** The element that index.html has under `id`. @throws TypeError when it has another one there */
export function byId<T extends HTMLElement>(id: string, type: new () => T): T {
  const found = document.getElementById(id);
  if (found instanceof type) return found;
  throw new TypeError(`no ${type.name} with id ${id}`);
}

/** A new element. */
export function make<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  properties: Partial<HTMLElementTagNameMap[K]> = {},
  ...children: readonly (Node | string)[]
): HTMLElementTagNameMap[K] {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

/** Writes only what changed: else screen readers say it again, and selections are lost. */
export function setText(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}
