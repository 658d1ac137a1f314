package omen.peers;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.cep.CEP;
import org.apache.flink.cep.functions.PatternProcessFunction;
import org.apache.flink.cep.nfa.aftermatch.AfterMatchSkipStrategy;
import org.apache.flink.cep.pattern.Pattern;
import org.apache.flink.cep.pattern.conditions.SimpleCondition;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.MemorySize;
import org.apache.flink.configuration.RestOptions;
import org.apache.flink.configuration.TaskManagerOptions;
import org.apache.flink.runtime.minicluster.MiniCluster;
import org.apache.flink.runtime.minicluster.MiniClusterConfiguration;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.sink.v2.DiscardingSink;
import org.apache.flink.streaming.api.functions.source.SourceFunction;
import org.apache.flink.util.Collector;

/**
 * Flink CEP: a local cluster of one slot, a pattern for each rule over the stream by key, event time by watermarks.
 *
 * <pre>begin(s0, noSkip()).where(type is login).followedBy(s1).where(page_view over 400).within(900001 ms)</pre>
 *
 * A pattern gets only events of its types: the filter stands before the key, where it saves most. State is on the heap,
 * objects are reused between chained operators, there are no checkpoints. `within` ends before its end: hence the millisecond
 * more. The source and each pattern are threads of their own, whatever the slots.
 */
public final class FlinkPeer implements Peer {
  // Functions go to the cluster as bytes; what they share with the run stands here, since all is one process.
  private static Events events;
  private static Alerts alerts;
  private static CountDownLatch patternsOpen;
  private static Stopwatch stopwatch;

  private RuleSet rules;
  private MiniCluster cluster;

  @Override
  public void prepare(RuleSet rules) throws Exception {
    this.rules = rules;
    Configuration configuration = new Configuration();
    MemorySize network = MemorySize.ofMebiBytes(512); // a thousand patterns want a share
    configuration.set(TaskManagerOptions.NETWORK_MEMORY_MIN, network);
    configuration.set(TaskManagerOptions.NETWORK_MEMORY_MAX, network);
    configuration.set(RestOptions.BIND_PORT, "0");
    cluster = new MiniCluster(new MiniClusterConfiguration.Builder()
        .setConfiguration(configuration)
        .setNumTaskManagers(1)
        .setNumSlotsPerTaskManager(1)
        .build());
    cluster.start();
  }

  @Override
  public void run(Events events, Alerts alerts, Stopwatch stopwatch) throws Exception {
    FlinkPeer.events = events;
    FlinkPeer.alerts = alerts;
    FlinkPeer.stopwatch = stopwatch;
    patternsOpen = new CountDownLatch(rules.rules().size());
    StreamExecutionEnvironment job = StreamExecutionEnvironment.createLocalEnvironment(1);
    job.getConfig().enableObjectReuse();
    DataStream<Event> stream = job
        .addSource(new Source(), "events")
        .assignTimestampsAndWatermarks(
            WatermarkStrategy.<Event>forMonotonousTimestamps().withTimestampAssigner((event, before) -> event.time));
    for (RuleSet.Rule rule : rules.rules()) {
      Set<String> types = rule.types();
      DataStream<Event> relevant = stream.filter(event -> types.contains(event.type));
      CEP.pattern(relevant.keyBy(event -> event.userId), pattern(rule))
          .process(new Raise(rule.name(), rule.absent() == null ? 0 : rule.milliseconds()))
          .sinkTo(new DiscardingSink<>());
    }
    cluster.executeJobBlocking(job.getStreamGraph().getJobGraph());
  }

  private static Pattern<Event, ?> pattern(RuleSet.Rule rule) {
    RuleSet.Step first = rule.steps().get(0);
    Pattern<Event, Event> pattern =
        Pattern.<Event>begin("s0", AfterMatchSkipStrategy.noSkip()).where(condition(first));
    if (first.times() > 1) pattern = pattern.times(first.times());
    for (int i = 1; i < rule.steps().size(); ++i) {
      pattern = pattern.followedBy("s" + i).where(condition(rule.steps().get(i)));
    }
    if (rule.absent() != null) {
      pattern = pattern.notFollowedBy("absent").where(condition(new RuleSet.Step(rule.absent())));
    }
    return pattern.within(Duration.ofMillis(rule.milliseconds() + 1));
  }

  private static SimpleCondition<Event> condition(RuleSet.Step step) {
    String type = step.type();
    double over = step.over() == null ? Double.NEGATIVE_INFINITY : step.over();
    return SimpleCondition.of(event -> event.type.equals(type) && event.amount > over);
  }

  private static final class Source implements SourceFunction<Event> {
    @Override
    public void run(SourceContext<Event> context) throws InterruptedException {
      patternsOpen.await(); // the cluster takes its time to start them
      stopwatch.start();
      events.forEach(context::collect);
    }

    @Override
    public void cancel() {}
  }

  private static final class Raise extends PatternProcessFunction<Event, String> {
    private final String rule;
    private final long absence;

    Raise(String rule, long absence) {
      this.rule = rule;
      this.absence = absence;
    }

    @Override
    public void open(OpenContext context) {
      patternsOpen.countDown();
    }

    @Override
    public void processMatch(Map<String, List<Event>> match, Context context, Collector<String> out) {
      List<String> ids = new ArrayList<>();
      Event first = match.get("s0").get(0), last = first;
      for (List<Event> taken : match.values()) { // in the order of the steps
        for (Event event : taken) {
          ids.add(event.id);
          last = event;
        }
      }
      synchronized (alerts) {
        alerts.raise(rule, first.userId, first.time, absence == 0 ? last.time : first.time + absence, ids);
      }
    }

    @Override
    public void close() {
      stopwatch.stop();
    }
  }

  @Override
  public String version() {
    return Peer.jarOf(CEP.class);
  }
}
