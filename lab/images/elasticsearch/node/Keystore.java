package lab;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.elasticsearch.common.settings.KeyStoreWrapper;

/**
 * A new keystore with the password of the first start, which is read from standard input: what
 * {@code elasticsearch-keystore create} and {@code add} write. Deriving its key is most of the
 * work, and takes place once here and three times there.
 */
public final class Keystore {

    private Keystore() {}

    /** Writes into the folder that the first argument names. */
    public static void main(String[] arguments) throws Exception {
        String password = new String(System.in.readAllBytes(), StandardCharsets.UTF_8);
        KeyStoreWrapper keystore = KeyStoreWrapper.create();
        keystore.setString("bootstrap.password", password.toCharArray());
        keystore.save(Path.of(arguments[0]), new char[0]);
    }
}
