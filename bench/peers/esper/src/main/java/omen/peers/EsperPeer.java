package omen.peers;

import com.espertech.esper.common.client.EPCompiled;
import com.espertech.esper.common.client.EventBean;
import com.espertech.esper.common.client.EventSender;
import com.espertech.esper.common.client.configuration.Configuration;
import com.espertech.esper.common.client.util.AccessorStyle;
import com.espertech.esper.compiler.client.CompilerArguments;
import com.espertech.esper.compiler.client.EPCompilerProvider;
import com.espertech.esper.runtime.client.EPEventService;
import com.espertech.esper.runtime.client.EPRuntime;
import com.espertech.esper.runtime.client.EPRuntimeProvider;
import com.espertech.esper.runtime.client.EPStatement;
import com.espertech.esper.runtime.client.UpdateListener;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Esper: an event type for each type of event, a statement with a pattern for each rule, time given from outside.
 *
 * <pre>every s0=login -> ((s1=page_view(userId = s0.userId, amount > 400.0)) where timer:within(900001 msec))</pre>
 *
 * Each login begins a pattern of its own, whose next step is a filter with the login's user in it; Esper looks filters up by
 * index, so this is its way of having a key. A timer that is due at t goes off before the event of t: hence the millisecond
 * more. One thread feeds it, and locks are off.
 */
public final class EsperPeer implements Peer {
  private RuleSet rules;
  private Configuration configuration;
  private EPCompiled compiled;

  @Override
  public void prepare(RuleSet rules) throws Exception {
    this.rules = rules;
    configuration = new Configuration();
    configuration.getCommon().getEventMeta().setDefaultAccessorStyle(AccessorStyle.PUBLIC);
    for (String type : rules.types()) configuration.getCommon().addEventType(type, Event.class);
    configuration.getRuntime().getThreading().setInternalTimerEnabled(false);
    configuration.getRuntime().getThreading().setListenerDispatchPreserveOrder(false);
    configuration.getRuntime().getExecution().setDisableLocking(true);
    StringBuilder module = new StringBuilder();
    for (RuleSet.Rule rule : rules.rules()) {
      module.append("@name('").append(rule.name()).append("') select * from pattern [").append(pattern(rule)).append("];\n");
    }
    compiled = EPCompilerProvider.getCompiler().compile(module.toString(), new CompilerArguments(configuration));
  }

  private static String pattern(RuleSet.Rule rule) {
    RuleSet.Step first = rule.steps().get(0);
    String begin = "every s0=" + filter(first, null);
    long span = rule.milliseconds() + 1;
    if (rule.absent() != null) {
      return begin + " -> (timer:interval(" + span + " msec) and not " + filter(new RuleSet.Step(rule.absent()), "s0") + ")";
    }
    List<String> rest = new ArrayList<>();
    if (first.times() > 1) rest.add("[" + (first.times() - 1) + "] s0_more=" + filter(first, "s0"));
    for (int i = 1; i < rule.steps().size(); ++i) rest.add("s" + i + "=" + filter(rule.steps().get(i), "s0"));
    return begin + " -> ((" + String.join(" -> ", rest) + ") where timer:within(" + span + " msec))";
  }

  private static String filter(RuleSet.Step step, String keyOf) {
    List<String> terms = new ArrayList<>();
    if (keyOf != null) terms.add("userId = " + keyOf + ".userId");
    if (step.over() != null) terms.add("amount > " + step.over());
    return step.type() + (terms.isEmpty() ? "" : "(" + String.join(", ", terms) + ")");
  }

  @Override
  public void run(Events events, Alerts alerts, Stopwatch stopwatch) throws Exception {
    EPRuntime runtime = EPRuntimeProvider.getRuntime("peers", configuration);
    EPEventService service = runtime.getEventService();
    service.advanceTime(0);
    EPStatement[] statements = runtime.getDeploymentService().deploy(compiled).getStatements();
    for (int i = 0; i < statements.length; ++i) statements[i].addListener(listener(rules.rules().get(i), alerts));
    Map<String, EventSender> senders = new HashMap<>();
    for (String type : rules.types()) senders.put(type, service.getEventSender(type));

    long[] time = {0};
    stopwatch.start();
    events.forEach(event -> {
      if (event.time != time[0]) service.advanceTime(time[0] = event.time);
      EventSender sender = senders.get(event.type);
      if (sender != null) sender.sendEvent(event); // else no rule names its type
    });
    service.advanceTime(time[0] + 86_400_000);
    stopwatch.stop();
    runtime.destroy();
  }

  private static UpdateListener listener(RuleSet.Rule rule, Alerts alerts) {
    int steps = rule.steps().size();
    boolean isLoop = rule.steps().get(0).times() > 1;
    return (matches, gone, statement, runtime) -> {
      for (EventBean match : matches) {
        List<String> ids = new ArrayList<>();
        Event first = (Event) match.get("s0"), last = first;
        ids.add(first.id);
        if (isLoop) {
          for (Event event : (Event[]) match.get("s0_more")) ids.add(event.id);
        }
        for (int i = 1; i < steps; ++i) {
          last = (Event) match.get("s" + i);
          ids.add(last.id);
        }
        long end = rule.absent() == null ? last.time : first.time + rule.milliseconds();
        alerts.raise(rule.name(), first.userId, first.time, end, ids);
      }
    };
  }

  @Override
  public String version() {
    return Peer.jarOf(EPRuntime.class);
  }
}
