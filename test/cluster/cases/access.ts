import { eventually } from '../../support/eventually';
import { SYSTEM } from '../gateway';
import { type Product } from '../product';

const LONG_MS = 60_000;
/** service, action, expected answer of `kubectl auth can-i` */
const RIGHTS: readonly [string, string[], 'yes' | 'no'][] = [
  ['janitor', ['create', 'pods'], 'no'],
  ['janitor', ['delete', 'sandboxes.sandbox.fast.io'], 'no'],
  ['fastpath-gateway', ['get', 'secrets'], 'no'],
  ['fastpath-gateway', ['create', 'pods'], 'no'],
  ['sandbox-controller', ['list', 'secrets'], 'no'],
  ['sandbox-controller', ['create', 'pods'], 'no'],
  ['pool-controller', ['list', 'secrets'], 'no'],
  ['pool-controller', ['delete', 'sandboxes.sandbox.fast.io'], 'no'],
  ['pool-controller', ['create', 'pods'], 'yes'],
];

/** RBAC of service accounts decides who may call the gateway; the roles of k8s/ decide what the services may do. */
export function access(product: () => Product): void {
  it('accepts tokens of service accounts and allows each what its role allows, in its namespace', async () => {
    await product().kubectl('create', 'serviceaccount', 'stranger');
    const { caller } = product();
    const stranger = product().gateway.as(await product().gateway.token('stranger'));
    expect((await product().gateway.as('made-up').attempt('list')).stderr).toMatch(
      /does not allow this: the bearer token/,
    );
    expect(await caller.attempt('list')).toMatchObject({ code: 0 });
    expect((await caller.attempt('list', '--namespace', SYSTEM)).stderr).toMatch(/does not allow this/);
    expect((await stranger.attempt('list')).stderr).toMatch(/does not allow this.*default:stranger/);
    const reads = ['--verb=get,list', '--resource=sandboxes.sandbox.fast.io'];
    await product().kubectl('create', 'role', 'reader', ...reads);
    await product().kubectl('create', 'rolebinding', 'reader', '--role=reader', '--serviceaccount=default:stranger');
    // the gateway caches a denial for ten seconds
    await eventually(async () => expect(await stranger.attempt('list')).toMatchObject({ code: 0 }), LONG_MS, 500);
    expect((await stranger.attempt('delete', 'any')).stderr).toMatch(/does not allow this/);
  }, 120_000);

  it.each(RIGHTS)('%s may %p: %s', async (service, action, answer) => {
    const as = `--as=system:serviceaccount:${SYSTEM}:${service}`;
    const review = product().kubectl('auth', 'can-i', ...action, '-n', 'default', as);
    // kubectl exits with 1 when the answer is no
    expect(await review.catch((error: unknown) => (error as { stdout: string }).stdout)).toBe(`${answer}\n`);
  });

  it('has its network policies (nothing enforces them here)', async () => {
    const names = await product().kubectl('get', 'networkpolicies', '-n', SYSTEM, '-o', 'name');
    expect(names.match(/\/(\S+)/g)).toEqual(['/controllers', '/fastpath-gateway', '/janitor']);
  });
}
