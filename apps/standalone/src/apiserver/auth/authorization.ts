import { readFileSync, statSync } from 'node:fs';
import { messageOf } from '@fsb/api/errors';
import { type Logger } from 'pino';
import { z } from 'zod';
import { qualified, StatusError } from '../status-error';

interface Rule {
  readonly verbs: readonly string[];
  /** `pods`, `pods/status`, `sandboxes`, or `*` */
  readonly resources: readonly string[];
}

const READ = ['get', 'list', 'watch'];
const WRITE = [...READ, 'create', 'update', 'patch', 'delete'];
const REVIEWS: Rule = { verbs: ['create'], resources: ['tokenreviews', 'subjectaccessreviews'] };
const EVENTS_AND_LEASES: Rule = { verbs: WRITE, resources: ['events', 'leases'] };

/** Rules of each role; those of processes equal their ClusterRoles on a cluster. */
const ROLES = {
  admin: [{ verbs: ['*'], resources: ['*'] }],
  gateway: [
    { verbs: WRITE, resources: ['sandboxes', 'sandboxes/status'] },
    { verbs: READ, resources: ['sandboxpools', 'pods', 'namespaces', 'resourcequotas'] },
    { verbs: ['create', 'patch', 'delete'], resources: ['configmaps'] },
    REVIEWS,
    EVENTS_AND_LEASES,
  ],
  'sandbox-controller': [
    { verbs: WRITE, resources: ['sandboxes', 'sandboxes/status'] },
    {
      verbs: READ,
      resources: ['sandboxpools', 'pods', 'nodes', 'namespaces', 'secrets', 'configmaps', 'resourcequotas'],
    },
    { verbs: ['patch'], resources: ['resourcequotas/status'] },
    EVENTS_AND_LEASES,
  ],
  'pool-controller': [
    { verbs: WRITE, resources: ['pods'] },
    { verbs: ['get', 'create', 'update'], resources: ['secrets'] },
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
  /** runs sandboxes; reads Secrets only through sandboxes that name them */
  tenant: [
    { verbs: WRITE, resources: ['sandboxes'] },
    { verbs: ['get'], resources: ['sandboxes/log'] },
    { verbs: READ, resources: ['sandboxpools', 'events', 'namespaces', 'resourcequotas'] },
  ],
  viewer: [
    {
      verbs: READ,
      resources: [
        'sandboxes',
        'sandboxes/log',
        'sandboxpools',
        'pods',
        'pods/log',
        'nodes',
        'namespaces',
        'events',
        'leases',
        'configmaps',
        'resourcequotas',
      ],
    },
  ],
} as const satisfies Record<string, readonly Rule[]>;

const tokenFile = z.array(
  z.object({
    token: z.string().min(16),
    user: z.string(),
    role: z.enum(Object.keys(ROLES) as [keyof typeof ROLES]), // Object.keys widens to string
    /** limits the role to these; absent: all namespaces and the cluster scope */
    namespaces: z.array(z.string()).optional(),
  }),
);

export interface User {
  readonly name: string;
  readonly role: keyof typeof ROLES;
  readonly namespaces?: readonly string[] | undefined;
}

/** Kubernetes' group of users who may do everything. */
const MASTERS = 'system:masters';

interface Scope {
  readonly group: string;
  /** empty: the cluster */
  readonly namespace: string;
}

/** Interval of checks of the token file. */
const LOOK_MS = 1_000;

/** Authentication by bearer token and authorization by role, from a file instead of RBAC objects. */
export class Authorization {
  private users: ReadonlyMap<string, User> = new Map();
  private byName: ReadonlyMap<string, User> = new Map();
  private lookedAt = 0;
  private changedAt = 0;

  private constructor(
    private readonly path: string,
    private readonly logger: Logger,
  ) {}

  /** @throws Error when the file cannot be read, or is no list of {token, user, role} */
  static fromFile(path: string, logger: Logger): Authorization {
    const authorization = new Authorization(path, logger);
    authorization.read();
    return authorization;
  }

  private read(): void {
    const changedAt = statSync(this.path).mtimeMs;
    const parsed = tokenFile.safeParse(JSON.parse(readFileSync(this.path, 'utf8')));
    if (!parsed.success) throw new Error(`${this.path}: ${z.prettifyError(parsed.error)}`);
    const users = parsed.data.map(({ token, user, role, namespaces }) => {
      return [token, { name: user, role, namespaces }] as const;
    });
    this.users = new Map(users);
    this.byName = new Map(users.map(([, user]) => [user.name, user]));
    this.changedAt = changedAt;
  }

  /**
   * Reads the file again if it has changed. The users stay when it cannot be read.
   * @param leastMs shortest time since the last check
   */
  private refresh(leastMs: number): void {
    const now = performance.now();
    if (now - this.lookedAt < leastMs) return;
    this.lookedAt = now;
    try {
      if (statSync(this.path).mtimeMs !== this.changedAt) this.read();
    } catch (error) {
      this.logger.error({ msg: 'the token file was not read', error: messageOf(error) });
    }
  }

  /** @throws StatusError 401 */
  authenticate(header: string | undefined): User {
    const user = this.withToken(/^Bearer (.+)$/.exec(header ?? '')?.[1] ?? '');
    if (!user) throw new StatusError(401, 'Unauthorized', 'Unauthorized: the bearer token is absent or unknown');
    return user;
  }

  withToken(token: string): User | undefined {
    this.refresh(LOOK_MS);
    // a new token must work at once: callers of TokenReview cache a refusal
    if (!this.users.has(token)) this.refresh(0);
    return this.users.get(token);
  }

  /** User of the file, else an admin when `groups` has system:masters, as a client certificate may name it. */
  userNamed(name: string, groups: readonly string[]): User | undefined {
    return this.byName.get(name) ?? (groups.includes(MASTERS) ? { name, role: 'admin' } : undefined);
  }

  /**
   * @param resource with its subresource, as in `pods/status`
   * @param namespace empty: the cluster scope
   */
  allows({ role, namespaces }: User, verb: string, resource: string, namespace: string): boolean {
    if (namespaces && !namespaces.includes(namespace)) return false;
    const rules: readonly Rule[] = ROLES[role];
    return rules.some(
      ({ verbs, resources }) =>
        (verbs.includes('*') || verbs.includes(verb)) && (resources.includes('*') || resources.includes(resource)),
    );
  }

  /** @throws StatusError 403 */
  authorize(user: User, verb: string, resource: string, { group, namespace }: Scope): void {
    if (this.allows(user, verb, resource, namespace)) return;
    const scope = namespace === '' ? 'at the cluster scope' : `in the namespace "${namespace}"`;
    const what = `resource "${resource}" in API group "${group}" ${scope}`;
    const message = `${qualified(resource, group)} is forbidden: User "${user.name}" cannot ${verb} ${what}`;
    throw new StatusError(403, 'Forbidden', message, { group, kind: resource });
  }
}
