/** Files from the user's disk and back to it. */
import { make } from "./dom.js";

/** Hands on what is chosen there, or dropped anywhere on the page. */
export function onFiles(input: HTMLInputElement, take: (files: readonly File[]) => void): void {
  input.addEventListener("change", () => {
    const files = [...(input.files ?? [])];
    // The same file may be chosen again.
    input.value = "";
    take(files);
  });
  for (const kind of ["dragover", "dragleave", "drop"] as const) {
    document.body.addEventListener(kind, (event) => {
      // A file that is dropped on a field for files is that field's.
      const isField = event.target instanceof HTMLInputElement;
      if (!isField) event.preventDefault();
      document.body.classList.toggle("dropping", kind === "dragover" && !isField);
      const files = [...(event.dataTransfer?.files ?? [])];
      if (kind === "drop" && !isField && files.length > 0) take(files);
    });
  }
}

/** Has the browser save it. */
export function save(name: string, type: string, content: BlobPart): void {
  const url = URL.createObjectURL(new Blob([content], { type }));
  make("a", { href: url, download: name }).click();
  URL.revokeObjectURL(url);
}

/** @throws Error when it is too long, or cannot be read */
export async function textOf(file: File, maxBytes: number): Promise<string> {
  if (file.size > maxBytes) throw new Error(`${file.name} has ${file.size} bytes, at most ${maxBytes} are taken`);
  try {
    return await file.text();
  } catch {
    throw new Error(`${file.name} cannot be read`);
  }
}
