import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { qualified, StatusError } from '../status-error';

interface Rule {
  readonly verbs: readonly string[];
  /** `pods`, `pods/status`, `sandboxes`, or `*` */
  readonly resources: readonly string[];
}

const READ = ['get', 'list', 'watch'];
const WRITE = [...READ, 'create', 'update', 'patch', 'delete'];
const EVENTS_AND_LEASES: Rule = { verbs: WRITE, resources: ['events', 'leases'] };

/** What each process may do: the same as its ClusterRole on a cluster. */
const ROLES = {
  admin: [{ verbs: ['*'], resources: ['*'] }],
  gateway: [
    { verbs: WRITE, resources: ['sandboxes', 'sandboxes/status'] },
    { verbs: READ, resources: ['sandboxpools', 'pods', 'namespaces'] },
    { verbs: ['create', 'patch', 'delete'], resources: ['configmaps'] },
    EVENTS_AND_LEASES,
  ],
  'sandbox-controller': [
    { verbs: WRITE, resources: ['sandboxes', 'sandboxes/status'] },
    { verbs: READ, resources: ['sandboxpools', 'pods', 'nodes', 'namespaces', 'secrets', 'configmaps'] },
    EVENTS_AND_LEASES,
  ],
  'pool-controller': [
    { verbs: WRITE, resources: ['pods'] },
    { verbs: [...READ, 'update', 'patch'], resources: ['sandboxpools', 'sandboxpools/status'] },
    { verbs: READ, resources: ['sandboxes', 'nodes', 'namespaces'] },
    { verbs: [...READ, 'delete'], resources: ['configmaps'] },
    EVENTS_AND_LEASES,
  ],
  janitor: [
    { verbs: READ, resources: ['pods', 'sandboxes', 'leases', 'namespaces', 'nodes'] },
    { verbs: WRITE, resources: ['events'] },
  ],
  node: [
    { verbs: WRITE, resources: ['nodes', 'nodes/status', 'pods', 'pods/status', 'pods/binding'] },
    { verbs: READ, resources: ['secrets', 'configmaps', 'namespaces'] },
    EVENTS_AND_LEASES,
  ],
  viewer: [
    {
      verbs: READ,
      resources: [
        'sandboxes',
        'sandboxpools',
        'pods',
        'pods/log',
        'nodes',
        'namespaces',
        'events',
        'leases',
        'configmaps',
      ],
    },
  ],
} as const satisfies Record<string, readonly Rule[]>;

const tokenFile = z.array(
  z.object({
    token: z.string().min(16),
    user: z.string(),
    role: z.enum(Object.keys(ROLES) as [keyof typeof ROLES]), // its keys, which Object.keys widens
  }),
);

export interface User {
  readonly name: string;
  readonly role: keyof typeof ROLES;
}

interface Scope {
  readonly group: string;
  /** empty: the cluster */
  readonly namespace: string;
}

/** Bearer tokens with a fixed role each: who may do what is a file, not RBAC objects. */
export class Authorization {
  private constructor(private readonly users: ReadonlyMap<string, User>) {}

  /** @throws if the file is not a list of {token, user, role} */
  static async fromFile(path: string): Promise<Authorization> {
    const parsed = tokenFile.safeParse(JSON.parse(await readFile(path, 'utf8')));
    if (!parsed.success) throw new Error(`${path}: ${z.prettifyError(parsed.error)}`);
    return new Authorization(new Map(parsed.data.map(({ token, user, role }) => [token, { name: user, role }])));
  }

  /** @throws StatusError 401 */
  authenticate(header: string | undefined): User {
    const user = this.users.get(/^Bearer (.+)$/.exec(header ?? '')?.[1] ?? '');
    if (!user) throw new StatusError(401, 'Unauthorized', 'Unauthorized: the bearer token is absent or unknown');
    return user;
  }

  /** @param resource with its subresource, as roles name it */
  allows({ role }: User, verb: string, resource: string): boolean {
    const rules: readonly Rule[] = ROLES[role];
    return rules.some(
      ({ verbs, resources }) =>
        (verbs.includes('*') || verbs.includes(verb)) && (resources.includes('*') || resources.includes(resource)),
    );
  }

  /** @throws StatusError 403 */
  authorize(user: User, verb: string, resource: string, { group, namespace }: Scope): void {
    if (this.allows(user, verb, resource)) return;
    const scope = namespace === '' ? 'at the cluster scope' : `in the namespace "${namespace}"`;
    const what = `resource "${resource}" in API group "${group}" ${scope}`;
    const message = `${qualified(resource, group)} is forbidden: User "${user.name}" cannot ${verb} ${what}`;
    throw new StatusError(403, 'Forbidden', message, { group, kind: resource });
  }
}
