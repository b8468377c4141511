package lab;

import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import java.util.regex.Pattern;
import org.apache.lucene.analysis.TokenStream;
import org.apache.lucene.analysis.email.UAX29URLEmailTokenizer;
import org.apache.lucene.analysis.miscellaneous.RemoveDuplicatesTokenFilter;
import org.apache.lucene.analysis.pattern.PatternCaptureGroupTokenFilter;
import org.elasticsearch.Build;
import org.elasticsearch.client.internal.node.NodeClient;
import org.elasticsearch.cluster.metadata.IndexNameExpressionResolver;
import org.elasticsearch.cluster.node.DiscoveryNodes;
import org.elasticsearch.cluster.service.ClusterService;
import org.elasticsearch.common.io.stream.NamedWriteableRegistry;
import org.elasticsearch.common.settings.ClusterSettings;
import org.elasticsearch.common.settings.IndexScopedSettings;
import org.elasticsearch.common.settings.Settings;
import org.elasticsearch.common.settings.SettingsFilter;
import org.elasticsearch.features.NodeFeature;
import org.elasticsearch.index.analysis.TokenFilterFactory;
import org.elasticsearch.index.analysis.TokenizerFactory;
import org.elasticsearch.indices.analysis.AnalysisModule.AnalysisProvider;
import org.elasticsearch.plugins.ActionPlugin;
import org.elasticsearch.plugins.AnalysisPlugin;
import org.elasticsearch.plugins.Plugin;
import org.elasticsearch.rest.BaseRestHandler;
import org.elasticsearch.rest.RestController;
import org.elasticsearch.rest.RestHandler;
import org.elasticsearch.rest.RestRequest;
import org.elasticsearch.rest.RestResponse;
import org.elasticsearch.rest.RestStatus;
import org.elasticsearch.xcontent.XContentBuilder;

/**
 * Maven Central's server has no module for {@code GET /} and none for text analysis. Clients call
 * {@code GET /} first, and the security index needs three parts of text analysis. This plugin adds
 * only these; it checks no privilege on {@code GET /}.
 */
public class LabCompat extends Plugin implements AnalysisPlugin, ActionPlugin {

    private volatile ClusterService cluster;

    @Override
    public Collection<?> createComponents(PluginServices services) {
        cluster = services.clusterService();
        return List.of();
    }

    private record Filter(String name, UnaryOperator<TokenStream> chain) implements TokenFilterFactory {
        @Override
        public TokenStream create(TokenStream input) {
            return chain.apply(input);
        }
    }

    @Override
    public Map<String, AnalysisProvider<TokenFilterFactory>> getTokenFilters() {
        Map<String, AnalysisProvider<TokenFilterFactory>> filters = new HashMap<>();
        filters.put("pattern_capture", AnalysisPlugin.requiresAnalysisSettings((index, env, name, settings) -> {
            boolean keepOriginal = settings.getAsBoolean("preserve_original", true);
            Pattern[] patterns =
                settings.getAsList("patterns").stream().map(Pattern::compile).toArray(Pattern[]::new);
            return new Filter(name, in -> new PatternCaptureGroupTokenFilter(in, keepOriginal, patterns));
        }));
        // Unlike the real filter, this one removes equal tokens only at the same position.
        filters.put("unique", (index, env, name, settings) -> new Filter(name, RemoveDuplicatesTokenFilter::new));
        return filters;
    }

    @Override
    public Map<String, AnalysisProvider<TokenizerFactory>> getTokenizers() {
        return Map.of("uax_url_email", (index, env, name, settings) ->
            TokenizerFactory.newFactory(name, UAX29URLEmailTokenizer::new));
    }

    @Override
    public Collection<RestHandler> getRestHandlers(
        Settings settings,
        NamedWriteableRegistry registry,
        RestController controller,
        ClusterSettings clusterSettings,
        IndexScopedSettings indexSettings,
        SettingsFilter settingsFilter,
        IndexNameExpressionResolver resolver,
        Supplier<DiscoveryNodes> nodes,
        Predicate<NodeFeature> features
    ) {
        return List.of(new Root());
    }

    private class Root extends BaseRestHandler {
        @Override
        public List<Route> routes() {
            return List.of(new Route(RestRequest.Method.GET, "/"), new Route(RestRequest.Method.HEAD, "/"));
        }

        @Override
        public String getName() {
            return "lab_root";
        }

        @Override
        protected RestChannelConsumer prepareRequest(RestRequest request, NodeClient client) {
            return channel -> {
                Build build = Build.current();
                XContentBuilder json = channel.newBuilder().prettyPrint().startObject();
                json.field("name", cluster.getNodeName());
                json.field("cluster_name", cluster.getClusterName().value());
                json.field("cluster_uuid", cluster.state().metadata().clusterUUID());
                json.startObject("version");
                json.field("number", build.version());
                json.field("build_flavor", build.flavor());
                json.field("build_type", build.type().displayName());
                json.field("build_hash", build.hash());
                json.field("build_date", build.date());
                json.field("build_snapshot", build.isSnapshot());
                json.field("minimum_wire_compatibility_version", build.minWireCompatVersion());
                json.field("minimum_index_compatibility_version", build.minIndexCompatVersion());
                json.endObject();
                json.field("tagline", "You Know, for Search").endObject();
                channel.sendResponse(new RestResponse(RestStatus.OK, json));
            };
        }
    }
}
