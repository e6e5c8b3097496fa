import { type Command } from 'commander';
import { NAME } from '../checks';
import { checked } from '../flag-values';
import { type GlobalFlags, settingsOf } from '../settings';
import { table } from '../table';

interface Flags extends GlobalFlags {
  readonly pool?: string;
}

const EXAMPLES = `
Examples:
  # the images of every pool of the namespace
  fsb-ctl images

  # of one pool
  fsb-ctl images --pool default-pool

An image of your own on the one-machine stack: make load ARCHIVE=image.tar
`;

export function addImages(program: Command): void {
  program
    .command('images')
    .summary('list the images that pools have')
    .description(
      "Lists the images in the containerd of a pool's nodes, with the number of agents that have each, and of those with a container that waits.",
    )
    .option('--pool <pool>', 'of this pool alone', checked(NAME))
    .addHelpText('after', EXAMPLES)
    .action(async (_: unknown, self: Command) => {
      await images(self.optsWithGlobals<Flags>());
    });
}

async function images(flags: Flags): Promise<void> {
  const settings = await settingsOf(flags);
  const { namespace } = settings;
  const { withGateway } = await import('../gateway.js');
  const { items } = await withGateway(settings, (gateway) => gateway.images({ namespace, poolRef: flags.pool ?? '' }));
  if (items.length === 0) {
    process.stderr.write(
      `No images found in namespace ${namespace}: it has no agents yet, or their nodes no images.\n`,
    );
    return;
  }
  const rows = items.map(({ poolRef, name, agents, warmAgents, totalAgents }) => [
    ...[name, poolRef, `${agents}/${totalAgents}`, `${warmAgents}/${totalAgents}`],
  ]);
  process.stdout.write(table(['IMAGE', 'POOL', 'AGENTS', 'WARM'], rows));
}
