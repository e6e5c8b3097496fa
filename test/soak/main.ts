/**
 * Soak: the load of ordinary users. Short commands, long output, crashes, memory that runs out, children that outlive
 * their parent, cancelled creates, immediate deletes, followers that come and go, reused names, expiries, fifty
 * concurrent creates; by gRPC in both modes, by RunSandbox and by kubectl. Nothing is broken on purpose. Every exit
 * code, every byte of every log and every phase is compared with a model, and at the end containerd, folders, cgroups
 * and API.
 *
 * A seed fixes the operations (`<lane>/<number>`), but not their timing on the machine: a seed that failed makes the
 * same failure likely, not certain.
 */
import { MachineStack } from '../support/machine-stack';
import { runSeed } from '../support/seeded-run';
import { SoakRun } from './soak-run';

runSeed({
  name: 'soak',
  defaultSeconds: 120,
  prepare: () => MachineStack.prepare({ prefix: 'fsb-soak-', proxied: false }),
  begin: (stack, options) => new SoakRun(stack, options),
});
