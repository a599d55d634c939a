/** The version of Redis whose behaviour and fields the door shows: clients switch features on by it. */
export const REDIS_VERSION = '7.2.4';
