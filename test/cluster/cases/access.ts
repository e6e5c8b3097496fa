import { eventually } from '../../support/eventually';
import { SYSTEM } from '../gateway';
import { type Product } from '../product';

const LONG_MS = 60_000;
/** of a service, what it must not do, and what it must */
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

/** Who may call is what the cluster's RBAC says of its service accounts; what the services may do is what k8s/ says. */
export function access(product: () => Product): void {
  it('takes tokens of service accounts, and lets each do what its role says, in its namespace', async () => {
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
    // what was denied is remembered for ten seconds
    await eventually(async () => expect(await stranger.attempt('list')).toMatchObject({ code: 0 }), LONG_MS, 500);
    expect((await stranger.attempt('delete', 'any')).stderr).toMatch(/does not allow this/);
  }, 120_000);

  it.each(RIGHTS)('%s may %p: %s', async (service, action, answer) => {
    const as = `--as=system:serviceaccount:${SYSTEM}:${service}`;
    const review = product().kubectl('auth', 'can-i', ...action, '-n', 'default', as);
    // kubectl ends with 1 where the answer is no
    expect(await review.catch((error: unknown) => (error as { stdout: string }).stdout)).toBe(`${answer}\n`);
  });

  it('has its network policies, which nobody enforces here', async () => {
    const names = await product().kubectl('get', 'networkpolicies', '-n', SYSTEM, '-o', 'name');
    expect(names.match(/\/(\S+)/g)).toEqual(['/controllers', '/fastpath-gateway', '/janitor']);
  });
}
