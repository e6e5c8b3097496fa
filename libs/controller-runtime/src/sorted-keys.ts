/** Size beyond which a chunk is split, which bounds the keys that an insertion moves. */
const MAX_CHUNK = 512;

/** An ordered set of keys, readable from any key on. The cost of add and delete hardly grows with its size. */
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

  /** Keys after `key`, in order. The set must not change during the iteration. */
  *after(key: string): Generator<string> {
    for (let at = this.chunkOf(key); at < this.chunks.length; at++) {
      const chunk = this.chunks[at] ?? [];
      for (let place = lowerBound(chunk, key); place < chunk.length; place++) {
        const found = chunk[place];
        if (found !== undefined && found !== key) yield found;
      }
    }
  }

  /** Index of the last chunk that begins at or before the key, else 0. */
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

/** Index of the first key that is not below `key`. */
function lowerBound(keys: readonly string[], key: string): number {
  let [low, high] = [0, keys.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((keys[middle] ?? '') < key) low = middle + 1;
    else high = middle;
  }
  return low;
}
