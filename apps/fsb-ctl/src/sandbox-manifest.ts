import { z } from 'zod';
import {
  type Check,
  ENV_NAME,
  FOLDER,
  GRACE_SECONDS,
  LABEL_KEY,
  LABEL_VALUE,
  NAME,
  NAMESPACE_NAME,
  NOT_EMPTY,
  PORT,
  QUANTITY,
  SECONDS,
} from './checks';
import type { SandboxFile } from './create-request';
import { expireTime } from './flag-values';

const text = (check: Check): z.ZodString => z.string('must be a string').refine(check.allows, check.rule);
const number = (check: Check): z.ZodType<number> => text(check).transform(Number);
const texts = z.array(z.string('must be a string'), 'must be a list of strings').optional();
/** Field of the CRD that a create by gRPC cannot carry. */
const onlyKubectl = z.undefined('is only for `kubectl apply`: leave it out here').optional();

/** Variables as in the CRD. Of a repeated name the last value wins, as in Kubernetes. */
const Envs = z
  .array(
    z.strictObject({ name: text(ENV_NAME), value: z.string('must be a string').optional(), valueFrom: onlyKubectl }),
  )
  .transform((envs) => Object.fromEntries(envs.map(({ name, value = '' }) => [name, value])));

/** A Sandbox object as `kubectl apply -f` takes it. Every scalar arrives as a string, as the file spells it. */
export const SandboxManifest = z
  .strictObject({
    apiVersion: z.literal('sandbox.fast.io/v1alpha1', 'must be sandbox.fast.io/v1alpha1'),
    kind: z.literal('Sandbox', 'must be Sandbox'),
    metadata: z
      .looseObject({
        name: text(NAME).optional(),
        namespace: text(NAMESPACE_NAME).optional(),
        labels: z.record(text(LABEL_KEY), text(LABEL_VALUE), 'must be a mapping of names to strings').optional(),
      })
      .optional(),
    spec: z.strictObject({
      image: text(NOT_EMPTY),
      poolRef: text(NAME),
      command: texts,
      args: texts,
      envs: Envs.optional(),
      workingDir: text(FOLDER).optional(),
      exposedPorts: z.array(number(PORT), 'must be a list of ports').optional(),
      consistencyMode: z.enum(['fast', 'strong'], 'must be fast or strong').optional(),
      failurePolicy: z.enum(['Manual', 'AutoRecreate'], 'must be Manual or AutoRecreate').optional(),
      recoveryTimeoutSeconds: number(SECONDS).optional(),
      terminationGracePeriodSeconds: number(GRACE_SECONDS).optional(),
      imagePullPolicy: z.enum(['Always', 'IfNotPresent', 'Never'], 'must be Always, IfNotPresent or Never').optional(),
      expireTime: z.iso
        .datetime({ offset: true, error: 'must be RFC 3339, as in 2030-01-31T12:00:00Z' })
        .transform(expireTime)
        .optional(),
      resources: z
        .strictObject({
          cpu: text(QUANTITY).optional(),
          memory: text(QUANTITY).optional(),
          pids: text(QUANTITY).optional(),
          'ephemeral-storage': text(QUANTITY).optional(),
        })
        .optional(),
      resetRevision: onlyKubectl,
      ttlSecondsAfterFinished: onlyKubectl,
      imagePullSecrets: onlyKubectl,
    }),
    // ignored; `kubectl get -o yaml` writes it
    status: z.unknown().optional(),
  })
  .transform(({ metadata, spec }): SandboxFile => {
    const { resources } = spec;
    return {
      namespace: metadata?.namespace,
      labels: metadata?.labels,
      image: spec.image,
      pool_ref: spec.poolRef,
      consistency_mode: spec.consistencyMode,
      exposed_ports: spec.exposedPorts,
      command: spec.command,
      args: spec.args,
      envs: spec.envs,
      working_dir: spec.workingDir,
      resources: resources && { ...resources, ephemeral_storage: resources['ephemeral-storage'] },
      failure_policy: spec.failurePolicy && (spec.failurePolicy === 'Manual' ? 'manual' : 'auto-recreate'),
      recovery_timeout_seconds: spec.recoveryTimeoutSeconds,
      termination_grace_period_seconds: spec.terminationGracePeriodSeconds,
      image_pull_policy: spec.imagePullPolicy,
      expire_time_seconds: spec.expireTime,
    };
  });
