import {
  type Metadata,
  ResponderBuilder,
  ServerInterceptingCall,
  type ServerInterceptor,
  ServerListenerBuilder,
} from '@grpc/grpc-js';

type SendStatus = NonNullable<Parameters<InstanceType<typeof ResponderBuilder>['withSendStatus']>[0]>;
type Status = Parameters<SendStatus>[0];

/**
 * An interceptor that may change the status of each call before it is sent.
 * @param change returns the status to send. It gets the request's metadata because an interceptor and a handler share
 * no other object. It is not called if the metadata never arrived.
 */
export function beforeStatus(change: (status: Status, request: Metadata) => Status): ServerInterceptor {
  return (_method, call) => {
    let request: Metadata | undefined;
    const listener = new ServerListenerBuilder()
      .withOnReceiveMetadata((metadata, next) => {
        request = metadata;
        next(metadata);
      })
      .build();
    const responder = new ResponderBuilder()
      .withStart((next) => {
        next(listener);
      })
      .withSendStatus((status, next) => {
        next(request ? change(status, request) : status);
      })
      .build();
    return new ServerInterceptingCall(call, responder);
  };
}
