import { runSeed } from './run.ts';
const seed0 = Number(process.argv[2] ?? 1); const n = Number(process.argv[3] ?? 1);
let ev=0; const t0=performance.now();
for (let s=seed0;s<seed0+n;s++){
  const t=performance.now();
  const r=await runSeed({seed:s, ...(process.argv[4]==='trace'?{trace:(l:string)=>{ if(l.includes(' log ')||!/^ *[0-9]/.test(l)) console.log(l)}}:{})});
  ev+=r.events;
  console.log(s, r.failure===null?'ok':'FAIL', r.hash, r.events, (r.events/(performance.now()-t)).toFixed(0)+'k/s', r.simulated_ms.toFixed(0), r.operations, r.acknowledged, r.stateChecks, 'n',r.swarm.nodes,'t',r.swarm.tablets, 'f',r.schedule.length);
  if(r.failure) console.log('   ', r.failure.rule, r.failure.text.slice(0,1500));
}
console.log('total', ev/(performance.now()-t0)|0,'k/s');
