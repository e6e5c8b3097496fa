import 'reflect-metadata';
import { runService } from '@fsb/component-base/bootstrap';
import { janitorFlags } from './janitor.config';
import { JanitorModule } from './janitor.module';

void runService({
  name: 'janitor',
  description: 'Removes orphaned containers and files from its node. Keeps everything whose owner it cannot determine.',
  examples: ['janitor --node-name worker-1', 'janitor --node-name worker-1 --scan-interval 30s --dry-run'],
  flags: janitorFlags,
  module: (config) => JanitorModule.forRoot(config),
});
