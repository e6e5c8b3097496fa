import { fromBinary, toBinary } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema, FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { type PackageDefinition } from '@grpc/proto-loader';
import { ReflectionService } from '@grpc/reflection';
import { FASTPATH_DESCRIPTORS, HEALTH_DESCRIPTORS } from '@fsb/api/gen/fastpath/v1/descriptors';

/**
 * gRPC reflection for the gateway's services and grpc.health.v1, from descriptors that scripts/descriptors.mjs
 * compiled.
 */
export function reflectionService(): ReflectionService {
  const fileDescriptorProtos = [FASTPATH_DESCRIPTORS, HEALTH_DESCRIPTORS].flatMap(filesOf);
  // ReflectionService reads only the descriptors of a definition
  return new ReflectionService({ all: { fileDescriptorProtos } } as unknown as PackageDefinition);
}

function filesOf(set: string): Buffer[] {
  const { file } = fromBinary(FileDescriptorSetSchema, Buffer.from(set, 'base64'));
  return file.map((each) => Buffer.from(toBinary(FileDescriptorProtoSchema, each)));
}
