import { Argument, type Command } from 'commander';
import type { SandboxInfo, UpdateRequest } from '@fsb/api/gen/fastpath/v1/fastpath';
import { NAME, SECONDS } from '../checks';
import { CommandError, usageError } from '../command-error';
import { parserOf, expireTime, labels, numberParserOf, policy } from '../flag-values';
import type { PolicyName } from '../failure-policy';
import { type GlobalFlags, settingsOf } from '../settings';

interface Flags extends GlobalFlags {
  readonly expireTime?: number;
  readonly failurePolicy?: PolicyName;
  readonly recoveryTimeout?: number;
  readonly labels?: Readonly<Record<string, string>>;
}

interface Change {
  readonly flag: string;
  readonly update: UpdateRequest['update'];
  readonly labels?: Readonly<Record<string, string>>;
}

const EXAMPLES = `
Examples:
  # end it in half an hour; at a given time; never
  fsb-ctl update my-sandbox --expire-time 30m
  fsb-ctl update my-sandbox --expire-time 2030-01-31T12:00:00Z
  fsb-ctl update my-sandbox --expire-time 0

  # recreate it automatically when its agent has been out of reach for two minutes
  fsb-ctl update my-sandbox --failure-policy auto-recreate --recovery-timeout 120

  # add or change labels
  fsb-ctl update my-sandbox --labels team=blue,stage=test
`;

export function addUpdate(program: Command): void {
  program
    .command('update')
    .summary('change expiry, failure policy, recovery timeout or labels')
    .description(
      'Changes a sandbox. Each flag is a change of its own, made in the order below; the first failure stops the rest.',
    )
    .addArgument(new Argument('<name>', 'name of the sandbox').argParser(parserOf(NAME)))
    .option(
      '--expire-time <time>',
      'time to end it: Unix seconds, RFC 3339, or from now as in 30m; 0: never',
      expireTime,
    )
    .option('--failure-policy <policy>', 'manual or auto-recreate', policy)
    .option('--recovery-timeout <seconds>', 'time to wait for an agent out of reach', numberParserOf(SECONDS))
    .option('--labels <pairs>', 'labels to add or change, as in k=v,k2=v2', labels)
    .addHelpText('after', EXAMPLES)
    .action(async (name: string, _: unknown, self: Command) => {
      await update(name, self.optsWithGlobals<Flags>());
    });
}

async function update(name: string, flags: Flags): Promise<void> {
  const settings = await settingsOf(flags);
  const changes = await changesOf(flags);
  if (changes.length === 0) {
    throw usageError('nothing to change: give --expire-time, --failure-policy, --recovery-timeout or --labels');
  }
  const { withGateway } = await import('../gateway.js');
  const sandbox = await withGateway(settings, async (gateway) => {
    let latest: SandboxInfo | undefined;
    for (const [index, change] of changes.entries()) {
      const request = { sandboxName: name, namespace: settings.namespace, sandboxId: '' };
      const { update, labels = {} } = change;
      try {
        const answer = await gateway.update({ ...request, update, labels });
        if (!answer.success) throw new CommandError(answer.message);
        latest = answer.sandbox ?? latest;
      } catch (error) {
        throw failureOf(change, changes.slice(0, index), error);
      }
    }
    return latest;
  });
  process.stdout.write(`✓ Sandbox ${name} updated successfully\n`);
  process.stdout.write(`Phase: ${sandbox?.phase ?? ''}\nAgent: ${sandbox?.agentPod ?? ''}\n`);
}

/** One call for each flag: UpdateRequest carries one setting. */
async function changesOf(flags: Flags): Promise<Change[]> {
  const { failurePolicy } = await import('../failure-policy.js');
  const changes: Change[] = [];
  const { expireTime: time, failurePolicy: name, recoveryTimeout: seconds } = flags;
  if (time !== undefined) changes.push({ flag: '--expire-time', update: { $case: 'expireTimeSeconds', value: time } });
  if (name !== undefined) {
    changes.push({ flag: '--failure-policy', update: { $case: 'failurePolicy', value: failurePolicy(name) } });
  }
  if (seconds !== undefined) {
    changes.push({ flag: '--recovery-timeout', update: { $case: 'recoveryTimeoutSeconds', value: seconds } });
  }
  if (flags.labels) changes.push({ flag: '--labels', update: undefined, labels: flags.labels });
  return changes;
}

/** With several flags, an error that names the flag that failed and those already applied. */
function failureOf(failed: Change, done: readonly Change[], error: unknown): unknown {
  if (done.length === 0 || !(error instanceof CommandError)) return error;
  return new CommandError(
    `${failed.flag}: ${error.message} (already changed: ${done.map(({ flag }) => flag).join(', ')})`,
  );
}
