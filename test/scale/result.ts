import { type Settings } from './settings';
import { type Account } from './stack/ledger';
import { type Memory } from '../support/process-usage';
import { type ListFigures } from './steps/lists';
import { type Latencies } from './steps/load';
import { type LossFigures } from './steps/loss';
import { type RestartFigures } from './steps/restarts';

export interface MemoryAt {
  readonly sandboxes: number;
  readonly services: Readonly<Record<string, Memory & { readonly heapMiB: number }>>;
}

export interface Filled {
  readonly from: number;
  readonly to: number;
  readonly createsPerSecond: number;
  readonly latencies: Latencies;
  /** until all write-behind of the creates was done */
  readonly account: Account;
}

/** The same changes, and the same idle time, at one of two sizes. */
export interface Compared {
  readonly sandboxes: number;
  readonly idle: Account;
  readonly changes: number;
  readonly churn: Account;
}

export interface Result {
  readonly machine: { readonly cores: number; readonly memoryGiB: number; readonly node: string };
  readonly settings: Settings;
  readonly agentsReadySeconds: number;
  readonly memory: readonly MemoryAt[];
  readonly fill: readonly Filled[];
  readonly compared: readonly Compared[];
  readonly lists: ListFigures;
  readonly restarts: readonly RestartFigures[];
  readonly loss: LossFigures;
  /** restarts of processes that ended by themselves, for example after losing their lease on a busy machine */
  readonly unexpectedEnds: Readonly<Record<string, number>>;
}
