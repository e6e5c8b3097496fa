/** Another way to start a container, as a comparison. */
export interface Yardstick {
  readonly name: string;
  /** resolves when the process runs */
  start(id: string): Promise<void>;
  remove(id: string): Promise<void>;
}

/** The command of every start, ours and the yardsticks': one process that does nothing. */
export const COMMAND = ['/bin/sleep', '100000'];
