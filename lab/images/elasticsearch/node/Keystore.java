package lab;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.elasticsearch.common.settings.KeyStoreWrapper;

/**
 * Writes a new keystore with the password of the first start, which it reads from standard input.
 * The result is that of {@code elasticsearch-keystore create} and {@code add}. Deriving the key is
 * most of the work; this class does it once, the two commands three times.
 */
public final class Keystore {

    private Keystore() {}

    /** Writes into the directory that the first argument names. */
    public static void main(String[] arguments) throws Exception {
        String password = new String(System.in.readAllBytes(), StandardCharsets.UTF_8);
        KeyStoreWrapper keystore = KeyStoreWrapper.create();
        keystore.setString("bootstrap.password", password.toCharArray());
        keystore.save(Path.of(arguments[0]), new char[0]);
    }
}
