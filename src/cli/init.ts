/** `folkmoot init`: forms the cluster from the nodes that wait for it. */
import { adminClient } from './admin-host.ts';
import { type Command, ExitCode } from './command.ts';

export const initCommand: Command = {
  name: 'init',
  summary: 'form the cluster, once in its life',
  details: `Forms the cluster from the members that were started with the same --join list. Ask any one of them, once.

  folkmoot init --host=10.0.0.1`,
  async run({ options, print }) {
    const { clusterId } = await adminClient(options).init();
    print(`cluster ${clusterId} is formed`);
    return ExitCode.ok;
  },
};
