import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;

import org.opensearch.Version;
import org.opensearch.common.settings.Settings;
import org.opensearch.env.Environment;
import org.opensearch.http.HttpServerTransport;
import org.opensearch.node.InternalSettingsPreparer;
import org.opensearch.node.Node;
import org.opensearch.plugins.PluginInfo;

/**
 * One OpenSearch node, 2.19 or 3.x, on 127.0.0.1, from the jars on the class path.
 *
 * <p>java SearchNode HOME [setting=value ...]
 *
 * <p>Writes HOME/http.address ("127.0.0.1:40123") as soon as it answers. Ends when its standard input ends, which the
 * kernel sees to even if the starter is killed, or on SIGTERM.
 */
public final class SearchNode extends Node {

    private static final String NAME = "portal-search";

    /** Modules of every stock installation that the pom names. A missing one stops the start. */
    private static final List<String> MODULES = List.of(
        "org.opensearch.transport.Netty4",
        "org.opensearch.analysis.common.CommonAnalysis",
        "org.opensearch.index.mapper.MapperExtras",
        "org.opensearch.index.reindex.Reindex",
        "org.opensearch.painless.Painless",
        "org.opensearch.join.ParentJoin"
    );

    /** The constructor takes classes in 2.x and PluginInfo in 3.x, both as a Collection: hence the raw type. */
    @SuppressWarnings({ "unchecked", "rawtypes" })
    private SearchNode(Environment environment, Collection modules) {
        super(environment, modules, false);
    }

    public static void main(String[] arguments) throws Exception {
        Path home = Path.of(arguments[0]).toAbsolutePath();
        Path address = home.resolve("http.address");
        Files.createDirectories(home.resolve("config"));
        Environment environment = InternalSettingsPreparer.prepareEnvironment(
            settings(home, arguments), Map.of(), null, () -> NAME);
        SearchNode node = new SearchNode(environment, modules());
        Runtime.getRuntime().addShutdownHook(new Thread(() -> close(node, address)));
        node.start();
        publish(node.injector().getInstance(HttpServerTransport.class).boundAddress().publishAddress().toString(), address);
        InputStream starter = System.in;
        while (starter.read() != -1) {
            // Whoever started us holds this open.
        }
        System.exit(0);
    }

    private static Settings settings(Path home, String[] arguments) {
        Settings.Builder settings = Settings.builder()
            .put("path.home", home)
            .put("cluster.name", NAME)
            .put("node.name", NAME)
            .put("discovery.type", "single-node")
            .put("network.host", "127.0.0.1")
            .put("http.port", "0")
            .put("transport.port", "0")
            .put("http.type", "netty4")
            .put("transport.type", "netty4")
            // A full disk of a developer must not turn indexes read-only in the middle of a test.
            .put("cluster.routing.allocation.disk.threshold_enabled", false)
            // Our garbage collector leaves garbage until there is no more room: it is no reason to refuse a request.
            .put("indices.breaker.total.use_real_memory", false)
            // An index that nobody made would have guessed fields.
            .put("action.auto_create_index", false);
        for (int i = 1; i < arguments.length; i++) {
            String[] pair = arguments[i].split("=", 2);
            settings.put(pair[0], pair[1]);
        }
        return settings.build();
    }

    private static List<Object> modules() throws ClassNotFoundException {
        List<Object> modules = new ArrayList<>();
        for (String name : MODULES) {
            Class<?> plugin = plugin(name);
            modules.add(Version.CURRENT.major < 3 ? plugin : new PluginInfo(
                plugin.getName(), "module", "n/a", Version.CURRENT, "17", plugin.getName(), null, List.of(), false));
        }
        return modules;
    }

    /** 3.3 renamed FooPlugin to FooModulePlugin. */
    private static Class<?> plugin(String name) throws ClassNotFoundException {
        try {
            return Class.forName(name + "ModulePlugin");
        } catch (ClassNotFoundException older) {
            return Class.forName(name + "Plugin");
        }
    }

    /** By a rename, so that a reader sees the whole address or none. */
    private static void publish(String bound, Path address) throws IOException {
        Path draft = address.resolveSibling("http.address.new");
        Files.writeString(draft, bound);
        Files.move(draft, address, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    }

    private static void close(Node node, Path address) {
        try {
            Files.deleteIfExists(address);
            node.close();
        } catch (IOException error) {
            error.printStackTrace();
        }
    }
}
