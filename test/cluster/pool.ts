interface Wanted {
  /** sandboxes per agent */
  readonly slots: number;
  /** agents at most */
  readonly most: number;
  readonly least?: number;
  readonly resources?: object;
}

/** A SandboxPool whose agents run this checkout's image. */
export function pool(name: string, { slots, most, least = 1, resources = {} }: Wanted): object {
  const agent = { name: 'agent', image: 'fast-sandbox/node-agent:0.1.0', resources };
  return {
    apiVersion: 'sandbox.fast.io/v1alpha1',
    kind: 'SandboxPool',
    metadata: { name, namespace: 'default' },
    spec: {
      capacity: { poolMin: least, poolMax: most },
      maxSandboxesPerPod: slots,
      agentTemplate: { spec: { containers: [agent] } },
    },
  };
}
