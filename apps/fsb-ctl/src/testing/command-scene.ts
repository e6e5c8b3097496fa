import { CommandLine, type CommandResult } from './command';
import { RecordingGateway } from './recording-gateway';

/** The bundled command and a RecordingGateway, shared by the tests of a file. */
export class CommandScene {
  readonly gateway = new RecordingGateway();
  readonly line = new CommandLine();
  endpoint = '';

  /** Registers the hooks of Jest: call it once, at the top of a spec. */
  static forFile(): CommandScene {
    const scene = new CommandScene();
    beforeAll(async () => {
      CommandLine.build();
      scene.endpoint = await scene.gateway.start();
    });
    beforeEach(() => {
      scene.gateway.reset();
    });
    afterAll(() => {
      scene.gateway.stop();
      scene.line.remove();
    });
    return scene;
  }

  readonly ctl = (...args: string[]): Promise<CommandResult> => this.line.run(['--endpoint', this.endpoint, ...args]);
}
