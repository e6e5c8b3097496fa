/** The first `most` characters of foreign text, which may be a megabyte, with an ellipsis if anything was cut. */
export function clip(text: string, most: number): string {
  return text.length > most ? `${text.slice(0, most)}…` : text;
}
