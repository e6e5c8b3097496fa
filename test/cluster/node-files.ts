/** Image that holds a Pod's namespaces. */
export const PAUSE = 'fsb.local/pause:latest';

/** @param cni folder of the CNI configuration */
export function containerdToml(cni: string): string {
  // without CAP_SYS_RESOURCE no oom_score_adj can be lowered, and runc fails when it tries
  return `version = 2
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = ${JSON.stringify(PAUSE)}
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = ${JSON.stringify(cni)}
`;
}

/** Configuration with one link per Pod: traffic between Pods passes kube-proxy's rules, which a bridge may bypass. */
export function cniConfig(subnet: string): object {
  const ipam = { type: 'host-local', ranges: [[{ subnet }]], routes: [{ dst: '0.0.0.0/0' }] };
  return { cniVersion: '0.4.0', name: 'pods', plugins: [{ type: 'ptp', ipam }] };
}

export function kubeletConfig(clientCa: string): object {
  return {
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    authentication: { anonymous: { enabled: false }, webhook: { enabled: true }, x509: { clientCAFile: clientCa } },
    authorization: { mode: 'AlwaysAllow' },
    cgroupDriver: 'cgroupfs',
    failSwapOn: false,
    // below the node's own folders; the default would be the machine's
    volumePluginDir: '/var/lib/kubelet/volume-plugins',
    // the disk is shared with the whole machine: no image or Pod is removed because others fill it
    imageGCHighThresholdPercent: 100,
    imageGCLowThresholdPercent: 99,
    evictionHard: { 'nodefs.available': '1%', 'imagefs.available': '1%', 'memory.available': '50Mi' },
  };
}

export function proxyConfig(kubeconfig: string, hostnameOverride: string): object {
  return {
    apiVersion: 'kubeproxy.config.k8s.io/v1alpha1',
    kind: 'KubeProxyConfiguration',
    clientConnection: { kubeconfig },
    hostnameOverride,
    mode: 'iptables',
    // these settings belong to the machine, not to the node: not changed
    conntrack: { maxPerCore: 0, tcpEstablishedTimeout: '0s', tcpCloseWaitTimeout: '0s' },
  };
}
