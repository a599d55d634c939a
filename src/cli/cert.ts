/** `folkmoot cert`: an authority of the cluster's own, and the certificates of its nodes and clients. */
import { FolkmootError } from '../base/errors.ts';
import { type Command, ExitCode } from './command.ts';

export const certCommand: Command = {
  name: 'cert',
  summary: 'make the certificates of a cluster',
  details: `Makes an authority for the cluster and one certificate for each host, each in a folder that its node is started with, and one for clients. Run again in the same folder it makes new certificates of the same authority: for further hosts, or before the old ones expire (running nodes take them over by themselves).

  folkmoot cert --dir=certs --hosts=10.0.0.1,10.0.0.2,10.0.0.3
  folkmoot start --tls-dir=certs/10.0.0.1 ...

Keep ca.key somewhere safe: nodes do not need it.`,
  async run({ options, print }) {
    if (options.hosts.length === 0) {
      throw new FolkmootError(
        'OPTION_INVALID',
        '--hosts is missing',
        'Name the addresses of the nodes: --hosts=HOST,HOST.',
      );
    }
    const { makeCertificates } = await import('../node/tls/make-certificates.ts');
    const folders = await makeCertificates({ folder: options.dir, hosts: options.hosts, days: options.days });
    for (const folder of folders) print(folder);
    return ExitCode.ok;
  },
};
