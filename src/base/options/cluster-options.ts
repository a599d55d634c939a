/** The cluster that a node forms or joins. */
import { LOCAL, type OptionSpec, START } from './option-spec.ts';

export const CLUSTER_OPTIONS = {
  join: {
    group: 'Cluster',
    type: 'list',
    default: [],
    placeholder: 'HOST,...',
    description:
      'The initial members (HOST or HOST:PEER-PORT), this node included; or, for a further node, members to ask. Without it the node is a cluster by itself.',
    commands: START,
    reloadable: false,
  },
  nodes: {
    group: 'Cluster',
    type: 'integer',
    default: 3,
    min: 1,
    max: 9,
    placeholder: 'N',
    description: 'How many nodes to start.',
    commands: ['up', 'verify'],
    reloadable: false,
    flagOnly: true,
  },
  tablets: {
    group: 'Cluster',
    type: 'integer',
    default: 0,
    min: 0,
    max: 2_000,
    placeholder: 'N',
    description: 'How many tablets to form the cluster with. 0 chooses: 12 for a local cluster, 64 otherwise.',
    commands: LOCAL,
    reloadable: false,
  },
  'replication-factor': {
    group: 'Cluster',
    type: 'integer',
    default: 3,
    min: 1,
    max: 7,
    placeholder: 'N',
    description:
      'Replicas of each tablet. A majority of them must be up; an even number survives no more than the odd one below.',
    commands: LOCAL,
    reloadable: false,
  },
  'auto-init': {
    group: 'Cluster',
    type: 'boolean',
    default: false,
    placeholder: '',
    description: 'Form the cluster without waiting for `folkmoot init`.',
    commands: START,
    reloadable: false,
    hidden: true,
    flagOnly: true,
  },
} as const satisfies Record<string, OptionSpec>;
