package omen.peers;

import io.siddhi.core.SiddhiAppRuntime;
import io.siddhi.core.SiddhiManager;
import io.siddhi.core.stream.input.InputHandler;
import io.siddhi.core.stream.output.StreamCallback;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Siddhi: a stream for each type of event, all rules in one partition by user, time played back from the events.
 *
 * <pre>from every s0=login -> s1=page_view[amount > 400.0] within 900000 milliseconds select … insert into alerts</pre>
 *
 * `every` begins anew when what it encloses is complete, so a loop of three that begins with each event is written out as
 * three steps. One thread feeds it; without @async nothing else is a thread.
 */
public final class SiddhiPeer implements Peer {
  private RuleSet rules;
  private String app;

  @Override
  public void prepare(RuleSet rules) {
    this.rules = rules;
    StringBuilder text = new StringBuilder("@app:name('peers') @app:playback\n");
    List<String> keys = new ArrayList<>();
    for (String type : rules.types()) {
      text.append("define stream ").append(type).append(" (id string, userId string, amount double, time long);\n");
      keys.add("userId of " + type);
    }
    text.append("define stream clock (tick string);\n");
    text.append("partition with (").append(String.join(", ", keys)).append(") begin\n");
    for (RuleSet.Rule rule : rules.rules()) text.append(query(rule));
    app = text.append("end;\n").toString();
  }

  private static String query(RuleSet.Rule rule) {
    List<String> steps = new ArrayList<>(), columns = new ArrayList<>();
    for (RuleSet.Step step : rule.steps()) {
      for (int i = 0; i < step.times(); ++i) {
        String name = "s" + steps.size();
        steps.add(name + "=" + step.type() + (step.over() == null ? "" : "[amount > " + step.over() + "]"));
        columns.add(name + ".id as id" + columns.size());
      }
    }
    String pattern = "every " + String.join(" -> ", steps);
    if (rule.absent() == null) {
      pattern += " within " + rule.milliseconds() + " milliseconds";
    } else {
      pattern += " -> not " + rule.absent() + " for " + (rule.milliseconds() + 1) + " milliseconds";
    }
    String end = rule.absent() == null ? "s" + (steps.size() - 1) + ".time" : "s0.time + " + rule.milliseconds() + "l";
    return "from " + pattern + " select '" + rule.name() + "' as rule, s0.userId as userId, s0.time as begin, " + end
        + " as finish, " + String.join(", ", columns) + " insert into alerts;\n";
  }

  @Override
  public void run(Events events, Alerts alerts, Stopwatch stopwatch) throws Exception {
    SiddhiManager manager = new SiddhiManager();
    SiddhiAppRuntime runtime = manager.createSiddhiAppRuntime(app);
    runtime.addCallback("alerts", new StreamCallback() {
      @Override
      public void receive(io.siddhi.core.event.Event[] matches) {
        for (io.siddhi.core.event.Event match : matches) {
          Object[] row = match.getData();
          List<String> ids = new ArrayList<>();
          for (Object id : Arrays.asList(row).subList(4, row.length)) ids.add((String) id);
          alerts.raise((String) row[0], (String) row[1], (Long) row[2], (Long) row[3], ids);
        }
      }
    });
    Map<String, InputHandler> inputs = new HashMap<>();
    for (String type : rules.types()) inputs.put(type, runtime.getInputHandler(type));
    InputHandler clock = runtime.getInputHandler("clock");
    runtime.start();

    long[] time = {0};
    stopwatch.start();
    events.forEach(event -> {
      InputHandler input = inputs.get(event.type);
      if (input == null) return; // no rule names its type
      send(input, time[0] = event.time, new Object[] {event.id, event.userId, event.amount, event.time});
    });
    // Time goes on in small steps until no absence is pending: of several that a key has, one leap of time brings one.
    for (int i = 1; i <= 1000; ++i) send(clock, time[0] += rules.rules().get(0).milliseconds() / 500, new Object[] {"tick"});
    stopwatch.stop();
    runtime.shutdown();
    manager.shutdown();
  }

  private static void send(InputHandler input, long time, Object[] row) {
    try {
      input.send(time, row);
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  @Override
  public String version() {
    return Peer.jarOf(SiddhiManager.class);
  }
}
