/**
 * The guardian: a process that outlives the node's, for the case that the node's process is killed. PostgreSQL must not go on
 * then: nobody would tell it that the cluster has chosen another primary. It waits at a pipe that nobody writes to; when the node's
 * end closes, for whatever reason, it ends all processes of the server as `endProcesses` (processes.ts) does, and then itself.
 *
 * It is a shell script because it must be small (1 MB; a second Node.js would be 45) and use only what is on every system. It has a session
 * of its own, so that what is sent to the node's terminal or process group does not reach it.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { ServerMark } from './processes.ts';
import { asUser, type SystemUser } from './system-user.ts';

/** $1 data folder, $2 cluster name. 20 rounds of 10 ms, then SIGKILL. */
const SCRIPT = `
trap '' HUP INT TERM
list() {
  pids=
  if [ -d /proc/self ]; then
    for entry in /proc/[0-9]*; do
      name=
      { read -r name <"$entry/comm"; } 2>/dev/null
      [ "$name" = postgres ] && [ "$entry/cwd" -ef "$1" ] && pids="$pids \${entry#/proc/}"
    done
  else
    pids=$(ps -A -o pid=,command= | awk -v title="postgres: $2:" -v main="/postgres -D $1 " \
      'index($0, title) && !/awk/ || index($0, main) && !/awk/ { print $1 }')
  fi
}
while read -r line; do :; done
round=0
while list "$1" "$2"; [ -n "$pids" ]; do
  if [ "$round" -eq 0 ]; then kill -QUIT $pids 2>/dev/null
  elif [ "$round" -ge 20 ]; then kill -KILL $pids 2>/dev/null
  fi
  round=$((round + 1))
  sleep 0.01
done
`;

export class Guardian {
  /** Resolves when it is gone, released or not. */
  readonly ended: Promise<void>;
  readonly #child: ChildProcess;

  /** Rejects when it cannot be started. */
  static async start(mark: ServerMark, user: SystemUser | null): Promise<Guardian> {
    const child = spawn('/bin/sh', ['-c', SCRIPT, 'folkmoot-guardian', mark.dataFolder, mark.clusterName], {
      cwd: '/',
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore'],
      ...asUser(user),
    });
    // Before anything is awaited, so that no event is missed.
    const guardian = new Guardian(child);
    await once(child, 'spawn');
    return guardian;
  }

  private constructor(child: ChildProcess) {
    this.#child = child;
    child.stdin?.on('error', () => undefined);
    this.ended = new Promise((resolve) => {
      child.once('exit', () => resolve());
    });
  }

  /** Also ends what is left of the server. Resolves when it is gone, so that it cannot mistake the next server for this one. */
  async release(): Promise<void> {
    this.#child.stdin?.end();
    await this.ended;
  }
}
