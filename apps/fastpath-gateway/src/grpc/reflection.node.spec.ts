import { createFileRegistry, fromBinary } from '@bufbuild/protobuf';
import { type FileDescriptorProto, FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';
import { Client, credentials, Server, ServerCredentials, type ServiceDefinition } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { join } from 'node:path';
import { reflectionService } from './reflection';

interface Answer {
  readonly listServicesResponse?: { readonly service: readonly { readonly name: string }[] };
  readonly fileDescriptorResponse?: { readonly fileDescriptorProto: readonly Buffer[] };
  readonly errorResponse?: { readonly errorMessage: string };
}

const PROTO = join(
  require.resolve('@grpc/reflection/package.json'),
  '../build/proto/grpc/reflection/v1/reflection.proto',
);

describe('The reflection service', () => {
  let server: Server;
  let client: Client;
  const { ServerReflectionInfo: method } = loadSync(PROTO)['grpc.reflection.v1.ServerReflection'] as ServiceDefinition;

  beforeAll(async () => {
    server = new Server();
    reflectionService().addToServer(server);
    const port = await new Promise<number>((resolve, reject) => {
      server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) => {
        if (error) reject(error);
        else resolve(bound);
      });
    });
    client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
  });
  afterAll(() => {
    client.close();
    server.forceShutdown();
  });

  function ask(question: object): Promise<Answer> {
    const { path, requestSerialize, responseDeserialize } = method!;
    const stream = client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize);
    return new Promise<Answer>((resolve, reject) => {
      stream.once('data', resolve).once('error', reject);
      stream.write(question);
    }).finally(() => stream.end());
  }

  async function filesOf(symbol: string): Promise<FileDescriptorProto[]> {
    const { fileDescriptorResponse, errorResponse } = await ask({ fileContainingSymbol: symbol });
    expect(errorResponse?.errorMessage).toBeUndefined();
    return fileDescriptorResponse!.fileDescriptorProto.map((bytes) => fromBinary(FileDescriptorProtoSchema, bytes));
  }

  it('lists the services of the gateway and the health service', async () => {
    const { listServicesResponse } = await ask({ listServices: '*' });
    expect(listServicesResponse?.service.map(({ name }) => name).sort()).toEqual([
      'fastpath.v1.FastPathService',
      'fastpath.v1.ImageService',
      'fastpath.v1.SandboxLogService',
      'grpc.health.v1.Health',
    ]);
  });

  it('describes messages as the compiler does: proto field names, map entries that strict clients accept', async () => {
    const files = await filesOf('fastpath.v1.FastPathService');
    const create = files.flatMap(({ messageType }) => messageType).find(({ name }) => name === 'CreateRequest');
    const entries = create?.nestedType.filter(({ options }) => options?.mapEntry === true).map(({ name }) => name);
    expect(entries).toEqual(expect.arrayContaining(['EnvsEntry', 'LabelsEntry']));
    const names = create?.field.map(({ name }) => name) ?? [];
    expect(names).toEqual(expect.arrayContaining(['pool_ref', 'request_id']));
    expect(names.filter((name) => /[A-Z]/.test(name))).toEqual([]);
  });

  it.each(['fastpath.v1.FastPathService', 'fastpath.v1.SandboxLogService', 'grpc.health.v1.Health'])(
    'gives files of %s that resolve',
    async (service) => {
      const known = new Map((await filesOf(service)).map((file) => [file.name, file]));
      const [first] = known.values();
      const registry = createFileRegistry(first!, (name) => known.get(name));
      expect(registry.getService(service)?.methods.length).toBeGreaterThan(0);
    },
  );
});
