/**
 * Chaos: a stack of its own; a load of creates, deletes, resets and expiries in both modes through two gateways; and a
 * schedule that kills, pauses and partitions its processes. Afterwards every promise is checked, and containerd,
 * network namespaces, logs, agents and API must agree exactly.
 *
 * A seed fixes the schedule (which fault, when, on which kind of process) and every caller's decisions. It does not fix
 * the machine: the progress of a call when a process dies, and so which sandbox a later "the oldest" is, differ from
 * run to run. A seed that failed makes the same failure likely, not certain: run it again a few times, or longer.
 */
import { MachineStack } from '../support/machine-stack';
import { runSeed } from '../support/seeded-run';
import { ChaosRun } from './chaos-run';

runSeed({
  name: 'chaos',
  defaultSeconds: 600,
  prepare: () => MachineStack.prepare({ prefix: 'fsb-chaos-', proxied: true }),
  begin: (stack, options) => new ChaosRun(stack, options),
});
