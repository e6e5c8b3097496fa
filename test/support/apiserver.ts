/** The one-machine API server as a process, for tests of the apps that speak to it. */
export { ApiserverProcess } from './apiserver-process';
