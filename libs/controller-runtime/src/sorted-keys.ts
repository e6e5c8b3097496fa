/** A chunk that grows beyond this is cut in two: what an insertion moves is bounded, however many keys there are. */
const MAX_CHUNK = 512;

/** Keys in order: added and removed at a cost that hardly grows with their number, and read from any of them on. */
export class SortedKeys {
  private readonly chunks: string[][] = [];

  add(key: string): void {
    const at = this.chunkOf(key);
    const chunk = this.chunks[at];
    if (!chunk) {
      this.chunks.push([key]);
      return;
    }
    const place = lowerBound(chunk, key);
    if (chunk[place] === key) return;
    chunk.splice(place, 0, key);
    if (chunk.length > MAX_CHUNK) this.chunks.splice(at + 1, 0, chunk.splice(MAX_CHUNK / 2));
  }

  delete(key: string): void {
    const at = this.chunkOf(key);
    const chunk = this.chunks[at] ?? [];
    const place = lowerBound(chunk, key);
    if (chunk[place] !== key) return;
    chunk.splice(place, 1);
    if (chunk.length === 0) this.chunks.splice(at, 1);
  }

  /** In order, all that come after `key`; the set must not change meanwhile. */
  *after(key: string): Generator<string> {
    for (let at = this.chunkOf(key); at < this.chunks.length; at++) {
      const chunk = this.chunks[at] ?? [];
      for (let place = lowerBound(chunk, key); place < chunk.length; place++) {
        const found = chunk[place];
        if (found !== undefined && found !== key) yield found;
      }
    }
  }

  /** The last chunk that begins at or before the key, else the first. */
  private chunkOf(key: string): number {
    let [low, high] = [0, this.chunks.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.chunks[middle]?.[0] ?? '') <= key) low = middle + 1;
      else high = middle;
    }
    return Math.max(0, low - 1);
  }
}

/** The first place whose key is not below this one. */
function lowerBound(keys: readonly string[], key: string): number {
  let [low, high] = [0, keys.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((keys[middle] ?? '') < key) low = middle + 1;
    else high = middle;
  }
  return low;
}
