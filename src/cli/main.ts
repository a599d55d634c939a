/** The entry of the `folkmoot` command. */
import { runCommandLine } from './program.ts';

// `folkmoot status | head -1` is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

const code = await runCommandLine(process.argv.slice(2), process.env, {
  out: (text) => process.stdout.write(text),
  err: (text) => process.stderr.write(text),
});
// Nothing that is still open (a keep-alive connection, a timer) may hold the process once the command is done.
process.exit(code);
