import type { Command } from 'commander';
import type { SandboxInfo } from '@fsb/api/gen/fastpath/v1/fastpath';
import { age } from '../age';
import { type GlobalFlags, settingsOf } from '../settings';
import { table } from '../table';

interface Flags extends GlobalFlags {
  readonly allNamespaces?: true;
}

/** Sandboxes of one answer, which stays far below gRPC's limit of 4 MiB. */
const PAGE = 500;

const EXAMPLES = `
Examples:
  # the sandboxes of the namespace
  fsb-ctl list

  # the sandboxes of all namespaces
  fsb-ctl ls -A
`;

export function addList(program: Command): void {
  program
    .command('list')
    .alias('ls')
    .summary('list sandboxes')
    .description('Lists the sandboxes of a namespace, or of all namespaces.')
    .option('-A, --all-namespaces', 'list the sandboxes of all namespaces')
    .addHelpText('after', EXAMPLES)
    .action(async (_: unknown, self: Command) => {
      await list(self.optsWithGlobals<Flags>());
    });
}

async function list(flags: Flags): Promise<void> {
  const settings = await settingsOf(flags);
  const namespace = flags.allNamespaces === true ? '' : settings.namespace;
  const { withGateway } = await import('../gateway.js');
  const sandboxes = await withGateway(settings, async (gateway) => {
    const items: SandboxInfo[] = [];
    let next = '';
    do {
      const page = await gateway.list({ namespace, limit: PAGE, continue: next });
      items.push(...page.items);
      next = page.continue;
    } while (next !== '');
    return items;
  });
  if (sandboxes.length === 0) {
    process.stderr.write(
      namespace === '' ? 'No sandboxes found.\n' : `No sandboxes found in namespace ${namespace}.\n`,
    );
    return;
  }
  process.stdout.write(rendered(sandboxes, namespace === ''));
}

function rendered(sandboxes: readonly SandboxInfo[], withNamespace: boolean): string {
  const now = Date.now();
  const header = ['NAME', 'ID', 'PHASE', 'IMAGE', 'ENDPOINTS', 'AGENT', 'AGE'];
  const rows = sandboxes.map((sandbox) => {
    const { sandboxName, sandboxId, phase, image, agentPod, createdAt } = sandbox;
    const endpoints = sandbox.endpoints.join(',') || '-';
    const cells = [sandboxName, sandboxId, phase, image, endpoints, agentPod, age(createdAt, now)];
    return withNamespace ? [sandbox.namespace, ...cells] : cells;
  });
  return table(withNamespace ? ['NAMESPACE', ...header] : header, rows);
}
