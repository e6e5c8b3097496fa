import 'reflect-metadata';
import { runService } from '@fsb/component-base/bootstrap';
import { janitorFlags } from './janitor.config';
import { JanitorModule } from './janitor.module';

void runService({
  name: 'janitor',
  description: 'Removes the containers and files of its node that nobody owns any more; what it cannot know, it keeps.',
  examples: ['janitor --node-name worker-1', 'janitor --node-name worker-1 --scan-interval 30s --dry-run'],
  flags: janitorFlags,
  module: (config) => JanitorModule.forRoot(config),
});
