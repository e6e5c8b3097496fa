import { fromBinary, toBinary } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema, FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { type PackageDefinition } from '@grpc/proto-loader';
import { ReflectionService } from '@grpc/reflection';
import { FASTPATH_DESCRIPTORS, HEALTH_DESCRIPTORS } from '@fsb/api/gen/fastpath/v1/descriptors';

/** Our services and grpc.health.v1, by reflection, as the compiler describes them. */
export function reflectionService(): ReflectionService {
  const fileDescriptorProtos = [FASTPATH_DESCRIPTORS, HEALTH_DESCRIPTORS].flatMap(filesOf);
  // of a definition the service reads the descriptors alone
  return new ReflectionService({ all: { fileDescriptorProtos } } as unknown as PackageDefinition);
}

function filesOf(set: string): Buffer[] {
  const { file } = fromBinary(FileDescriptorSetSchema, Buffer.from(set, 'base64'));
  return file.map((each) => Buffer.from(toBinary(FileDescriptorProtoSchema, each)));
}
