import { boolean, type ConfigOf, duration, flag } from '@fsb/component-base/config';
import { kubeFlags } from '@fsb/controller-runtime/kube.module';
import { z } from 'zod';

export const janitorFlags = {
  ...kubeFlags,
  nodeName: flag(z.string().min(1), 'The node whose containers it looks after'),
  containerdSocket: flag(z.string().default('/run/containerd/containerd.sock'), "containerd's socket"),
  orphanTimeout: flag(duration().default(10_000), 'Nothing is removed that is not at least so old'),
  scanInterval: flag(duration().default(120_000), 'Between two sweeps; the end of an agent Pod leads to one at once'),
  leaderElectionNamespace: flag(z.string().default('kube-system'), "Where the sandbox-controller's Lease is"),
  logDir: flag(z.string().default('/var/log/fast-sandbox'), "Where the sandboxes' logs are"),
  runDir: flag(z.string().default('/run/fast-sandbox'), "Where the sandboxes' own files are"),
  cniDir: flag(z.string().optional(), "The one-machine node's folder of addresses in use; absent: none are swept"),
  dryRun: flag(boolean().default(false), 'Say what would be removed, remove nothing'),
};
export type JanitorConfig = ConfigOf<typeof janitorFlags>;
