import { messageOf } from '@fsb/api/errors';
import { type Layout } from '../layout';
import { addCaller, CALLER_ROLES, type NewCaller } from '../supervisor/credentials';

/**
 * Makes a caller with a role in one namespace, and prints the commands that use it.
 * @returns the exit code: 2 for an unknown role
 */
export function token(layout: Layout, namespace: string, role: string): number {
  if (!isRole(role)) {
    process.stderr.write(`error: --role: "${role}" must be one of ${CALLER_ROLES.join(', ')}\n`);
    return 2;
  }
  try {
    const { kubeconfig, client } = addCaller(layout, { namespace, role });
    process.stdout.write(`export KUBECONFIG=${kubeconfig}\nfsb-ctl --config ${client} list\n`);
    return 0;
  } catch (error) {
    process.stderr.write(`error: ${messageOf(error)}\n`);
    return 1;
  }
}

function isRole(role: string): role is NewCaller['role'] {
  return (CALLER_ROLES as readonly string[]).includes(role);
}
