/** `folkmoot init`: forms the cluster from the nodes that wait for it. */
import { adminClient } from './admin-host.ts';
import { type Command, ExitCode } from './command.ts';
import { accessRequest } from './first-access.ts';

export const initCommand: Command = {
  name: 'init',
  summary: 'form the cluster, once in its life',
  details: `Forms the cluster from the members that were started with the same --join list. Ask any one of them, once.

  folkmoot init --host=10.0.0.1 --superuser=admin

asks for the password of the first user, unless FOLKMOOT_SUPERUSER_PASSWORD or --superuser-password-file has it. Without a user nobody is asked who they are, which only addresses of this machine (127.0.0.0/8) allow unless you say --auth=off.`,
  async run({ options, print }) {
    const access = await accessRequest(options, process.stdin.isTTY === true);
    const { clusterId } = await adminClient(options).init(access);
    print(`cluster ${clusterId} is formed`);
    if (access.superuser !== undefined) print(`its first user is ${access.superuser.name}`);
    return ExitCode.ok;
  },
};
