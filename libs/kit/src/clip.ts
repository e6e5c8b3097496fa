/** Text of somebody else's, which may be a megabyte, up to a length. */
export function clip(text: string, most: number): string {
  return text.length > most ? `${text.slice(0, most)}…` : text;
}
