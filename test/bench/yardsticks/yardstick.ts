/** A way to start a container that others use. */
export interface Yardstick {
  readonly name: string;
  /** @returns when the process runs */
  start(id: string): Promise<void>;
  remove(id: string): Promise<void>;
}

/** What every one of them runs, and ours: one process that does nothing. */
export const COMMAND = ['/bin/sleep', '100000'];
