import { Controller, UseFilters, UseGuards } from '@nestjs/common';
import { GrpcMethod } from '@nestjs/microservices';
import { type ListImagesRequest, type ListImagesResponse } from '@fsb/api/gen/fastpath/v1/images';
import { ApiErrorFilter } from '@fsb/component-base/grpc/error.filter';
import { AccessGuard, Needs } from '../access/access.guard';
import { PoolImages } from '../images/pool-images';

@Controller()
@UseFilters(ApiErrorFilter)
@UseGuards(AccessGuard)
export class ImagesController {
  constructor(private readonly images: PoolImages) {}

  /** Lists the images of a namespace's pools. Permission to list its sandboxes is enough. */
  @Needs({ verb: 'list', subresource: '' })
  @GrpcMethod('ImageService', 'listImages')
  listImages(request: ListImagesRequest): ListImagesResponse {
    return this.images.list({ ...request, namespace: request.namespace || 'default' });
  }
}
